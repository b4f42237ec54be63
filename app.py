"""Home: a walk through the chosen model's latent space, the pages, and the models there are."""

import numpy as np
import streamlit as st

from pages.shared.frame import calm_errors, link_to, open_page, show_error
from pages.shared.live import Panel, live_walk
from pages.shared.models import catalogue, choose, pick_explorer, sample_strip
from pages.shared.mounts import decoder_id, mount_decoders
from vae.errors import VaeError

WALK_STOPS = 24


open_page(
    "Latent Explorer",
    "A variational autoencoder squeezes each image into a few numbers and paints it back from "
    "them. Choose a model on the left and look around.",
)


def show_walk(explorer) -> None:
    """A slow walk from test image to test image, decoded in the browser."""
    stops = np.linspace(0, len(explorer.atlas.label) - 1, WALK_STOPS).astype(int)
    points = explorer.atlas.mean[stops]
    panel: Panel = {"asset": decoder_id(explorer), "caption": ""}
    live_walk(f"walk-{explorer.run.identity[:16]}", [panel], points.tolist(), size=280)
    mount_decoders([explorer])


def show_doors() -> None:
    """The three ways in that a first visitor should take."""
    doors = (
        ("map", "Explore the map", "Every test image as a point; move the pointer over it."),
        ("decode", "Move the sliders", "One per latent dimension; the image follows your hand."),
        ("train", "Train your own", "Under a minute on a laptop; see it learn, or collapse."),
    )
    for page, title, text in doors:
        with st.container(border=True):
            link_to(f"pages/{page}.py", f"**{title}**")
            st.caption(text)


def show_card(run, worst: float) -> None:
    """One model: samples, its two terms as bars, its active units."""
    results = run.results
    st.markdown(f"**{run.name}**")
    try:
        samples = sample_strip(run.path, run.identity)
    except VaeError as error:
        show_error(error)
        return
    st.image(samples, alt=f"Samples of {run.name}")
    st.html(_stacked_bar(results.test_distortion, results.test_rate, worst))
    st.caption(
        f"{run.beta_label} · {run.model.architecture} · "
        f"{results.active_units} of {run.model.latent_dim} active"
    )
    if st.button("Choose", key=f"choose-{run.name}", width="stretch"):
        choose(run.name)
        st.rerun()


def show_gallery() -> None:
    """All models as cards, four in a row; those that cannot be read, with the reason."""
    found = catalogue()
    for start in range(0, len(found.runs), 4):
        row = zip(st.columns(4), found.runs[start : start + 4], strict=False)
        for column, run in row:
            with column, st.container(border=True, height="stretch"):
                show_card(run, _worst(found.runs, run))
    for error in found.refused:
        show_error(error)


def _worst(runs, run) -> float:
    """The largest -ELBO among models of the same data and likelihood: only those compare."""
    kind = (run.train.dataset, run.model.likelihood)
    alike = (r.results for r in runs if (r.train.dataset, r.model.likelihood) == kind)
    return max(1e-6, *(results.test_distortion + results.test_rate for results in alike))


def _stacked_bar(distortion: float, rate: float, full: float) -> str:
    """Both terms end to end, the length `full` being the whole width."""
    from vae.charts import DISTORTION_COLOUR, RATE_COLOUR

    parts = "".join(
        f"<span style='height:.6rem;background:{colour};width:{100 * max(0.0, nats) / full:.1f}%'>"
        "</span>"
        for nats, colour in ((distortion, DISTORTION_COLOUR), (rate, RATE_COLOUR))
    )
    return (
        f"<div style='display:flex;gap:1px'>{parts}</div>"
        "<div style='font-size:.85rem;font-variant-numeric:tabular-nums;margin-top:.2rem'>"
        f"{distortion:.1f} + {rate:.1f} nats</div>"
    )


explorer = pick_explorer()
picture, doors = st.columns([1, 2], gap="large", vertical_alignment="center")
with picture, calm_errors():
    show_walk(explorer)
with doors:
    show_doors()

st.subheader("Models")
st.markdown(
    "Describing a test image costs :blue[**distortion**], what its code leaves out, plus "
    ":orange[**rate**], what the code itself says. Their sum is −ELBO: shorter is better."
)
with calm_errors():
    show_gallery()
