"""Decode: one slider per latent dimension; the image follows while it is dragged."""

import streamlit as st

from pages.state import latent_position
from pages.ui.assets import (
    decoder_id,
    mount_codes,
    mount_decoders,
    mount_pictures,
    surroundings,
)
from pages.ui.image_picker import choose_test_image
from pages.ui.instruments import live_decode
from pages.ui.latent_sliders import MAX_SLIDERS, slider_dimensions
from pages.ui.layout import handle_errors, link_to, open_page
from pages.ui.model_picker import pick_explorer
from vae.charts.images import enlarge

open_page(
    "Decode",
    "Drag a slider and watch what its dimension does. They are sorted by **rate**: how many nats "
    "the model spends on each.",
)


def show_sliders(explorer) -> None:
    """The sliders and the live image; what is released becomes the shared position."""
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


def show_quantised(explorer) -> None:
    """A grid of codes has no sliders: say so, show its image, and where codes are swapped."""
    places = explorer.run.model.latent_shape[1:]
    st.info(
        f"This model's code is a grid of {places[0]}x{places[1]} entries of a codebook, not a "
        "place that sliders could move. On the page **Kinds of model**, under **Discrete codes**, "
        "each entry can be swapped for another.",
        icon=":material/info:",
    )
    link_to("pages/kinds.py", "Swap codes")
    image = explorer.decode(latent_position.position(explorer)[None])[0]
    caption = "The code chosen last, decoded"
    st.image(enlarge(image, 308), caption=caption, alt="Decoded image", output_format="PNG")


def note_many(explorer) -> None:
    """Where there are more dimensions than sliders, which ones have one."""
    if explorer.latent_dim > MAX_SLIDERS:
        st.caption(
            f"Sliders for the {MAX_SLIDERS} of {explorer.latent_dim} dimensions with the "
            "highest rate; the others keep the values of the test image chosen above."
        )


def note_points(explorer) -> None:
    """What the sliders are sorted by where there is no rate."""
    if not explorer.run.model.has_rate:
        st.caption(
            "An autoencoder's codes are points and have no rate: its sliders are sorted by how "
            "much the codes of the test images vary."
        )


def explain_collapsed(explorer) -> None:
    """Why no slider does anything, where none does."""
    from vae.metrics.evaluation import explain_collapse

    run = explorer.run
    if run.results.active_units == 0:
        st.info(explain_collapse(run.results.inactive, run.model.latent_dim, run.train))


explorer = pick_explorer()
with handle_errors():
    index = choose_test_image(explorer, "Start from a test image", key="decode-start")
    if index is not None:
        latent_position.start_from_image(explorer, index)
    if explorer.run.model.kind == "vq":
        show_quantised(explorer)
        st.stop()
    note_points(explorer)
    note_many(explorer)
    show_sliders(explorer)
    explain_collapsed(explorer)

with st.expander("What is the rate?"):
    st.markdown(
        r"For each dimension, $\mathrm{KL}(q(z_i|x)\,\|\,p(z_i))$ averaged over the test images, "
        "in nats: how much the code's dimension tells about the image. A dimension whose rate is 0 "
        "has *collapsed*: its posterior is the prior, whatever the image, and the decoder has "
        "learned to ignore it. It is greyed when its posterior mean varies by less than 0.01 over "
        "the test images (Burda et al. 2016)."
    )
