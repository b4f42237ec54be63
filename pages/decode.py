"""Decode: has one slider for each latent dimension, and decodes the image during a drag."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import latent_position
from pages.ui.assets import (
    decoder_id,
    mount_codes,
    mount_decoders,
    mount_pictures,
    surroundings,
)
from pages.ui.image_picker import offer_start_images
from pages.ui.instruments import live_decode
from pages.ui.latent_sliders import MAX_SLIDERS, slider_dimensions
from pages.ui.layout import handle_errors, link_to, open_page
from pages.ui.model_picker import pick_explorer
from vae.charts.images import enlarge

if TYPE_CHECKING:
    from vae.explorer import Explorer

open_page(
    "Decode",
    "Drag a slider and watch the effect of its dimension. The sliders are sorted by **rate**, the "
    "nats that the model spends on each dimension.",
)


def show_sliders(explorer: "Explorer") -> None:
    """Show the sliders and the live image; releasing a slider moves the shared position."""
    live_decode(
        f"decode-{explorer.run.identity[:16]}",
        [{"asset": decoder_id(explorer), "caption": ""}],
        slider_dimensions(explorer),
        latent_position.position(explorer).tolist(),
        size=308,
        surroundings=surroundings(explorer),
        on_release=lambda z: latent_position.move_to(explorer, z),
    )
    mount_decoders([explorer])
    mount_codes(explorer)
    mount_pictures(explorer)


def show_quantised(explorer: "Explorer") -> None:
    """Say that a grid of codes has no sliders; show its image, and a link to where codes swap."""
    height, width = explorer.run.model.latent_shape[1:]
    st.info(
        f"This model's code is a grid of {height}x{width} entries of a codebook, which sliders "
        "cannot move. On the page **Kinds of model**, under **Discrete codes**, each entry can be "
        "swapped for another.",
        icon=":material/info:",
    )
    link_to("pages/kinds.py", "Swap codes")
    image = explorer.decode(latent_position.position(explorer)[None])[0]
    caption = "The shared code, decoded"
    st.image(enlarge(image, 308), caption=caption, alt="Decoded image", output_format="PNG")


def note_many(explorer: "Explorer") -> None:
    """Say which dimensions have a slider, if there are more dimensions than sliders."""
    if explorer.latent_dim > MAX_SLIDERS:
        st.caption(
            f"Sliders for the {MAX_SLIDERS} of {explorer.latent_dim} dimensions with the "
            "highest rate; the others keep the values of the test image chosen above."
        )


def note_points(explorer: "Explorer") -> None:
    """Say how the sliders are sorted if the model has no rate."""
    if not explorer.run.model.has_rate:
        st.caption(
            "The codes of an autoencoder are points and have no rate. Its sliders are sorted by "
            "the variance of the codes of the test images."
        )


def explain_collapsed(explorer: "Explorer") -> None:
    """Say why no slider has an effect, if all dimensions have collapsed."""
    from vae.metrics.evaluation import explain_collapse

    run = explorer.run
    if run.results.active_units == 0:
        st.info(explain_collapse(run.results.inactive, run.model.latent_dim, run.train))


explorer = pick_explorer()
with handle_errors():
    offer_start_images(explorer, "Start from a test image", key="decode-start")
    if explorer.run.model.kind == "vq":
        show_quantised(explorer)
        st.stop()
    note_points(explorer)
    note_many(explorer)
    show_sliders(explorer)
    explain_collapsed(explorer)

with st.expander("What is the rate?"):
    st.markdown(
        r"The rate of a dimension is $\mathrm{KL}(q(z_i|x)\,\|\,p(z_i))$, averaged over the test "
        "images, in nats. It says how much the dimension tells about the image. A dimension whose "
        "rate is 0 has *collapsed*: its posterior is the prior for every image, and the decoder "
        "has learned to ignore it. It is grey if its posterior mean varies by less than 0.01 over "
        "the test images (Burda et al. 2016)."
    )
