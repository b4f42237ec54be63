"""Home: a walk through the chosen model's latent space, the pages, and the models there are."""

import numpy as np
import streamlit as st

from pages.state.models import catalogue, choose, sample_strip
from pages.ui.assets import decoder_id, mount_decoders
from pages.ui.instruments import DecoderPanel, live_walk
from pages.ui.layout import handle_errors, link_to, open_page, show_error
from pages.ui.markdown import escaped
from pages.ui.model_picker import pick_explorer
from vae.core.errors import VaeError

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
    panel: DecoderPanel = {"asset": decoder_id(explorer), "caption": ""}
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
    if not show_samples(run.name, run, worst):
        return
    st.caption(
        f"{_kind(run)} · {run.model.architecture} · "
        f"{run.results.active_units} of {run.model.latent_dim} active"
    )
    if st.button("Choose", key=f"choose-{run.name}", width="stretch"):
        choose(run.name)
        st.rerun()


def show_comparison_card(comparison, worst: float) -> None:
    """Models to be compared as one card; the samples and bars are those of one of them."""
    from vae.data.registry import dataset_title

    run = comparison.example
    title = f"{dataset_title(run.train.dataset)}, {run.model.latent_dim} latent: which β?"
    if not show_samples(title, run, worst):
        return
    count = len(comparison.runs) + len(comparison.multi_rate)
    models = f"{count} models" if count > 1 else "one model"
    st.caption(f"{run.model.architecture} · {models} · {_betas_in_words(comparison)}")
    if st.button("Compare", key=f"compare-{run.name}", width="stretch"):
        choose(run.name)
        st.switch_page("pages/compare.py")


def show_samples(title: str, run, worst: float) -> bool:
    """The upper part of a card; False where the model cannot be loaded, which it says."""
    st.markdown(f"**{escaped(title)}**")
    try:
        samples = sample_strip(run.path, run.identity)
    except VaeError as error:
        show_error(error)
        return False
    st.image(samples, alt=f"Samples of {run.name}")
    rate = run.results.test_rate if run.model.has_rate else None
    st.html(_stacked_bar(run.results.test_distortion, rate, worst))
    return True


def show_gallery() -> None:
    """All models as cards: plain VAEs, what can be compared, other kinds; what cannot be read."""
    from vae.runs.comparison import comparisons

    found = catalogue()
    compared = comparisons(found.runs)
    shown = [run for run in found.runs if run.model.is_generative]
    single = [run for run in shown if not any(c.holds(run) for c in compared)]
    cards = [(show_card, run, run) for run in single if run.model.kind == "vae"]
    cards += [(show_comparison_card, c, c.example) for c in compared]
    show_cards(cards, found.runs)
    relatives = [(show_card, run, run) for run in single if run.model.kind != "vae"]
    if relatives:
        st.header("Relatives of the VAE")
        link_to("pages/kinds.py", "What each does differently")
        show_cards(relatives, found.runs)
    for error in found.errors:
        show_error(error)


def show_cards(cards, runs) -> None:
    """Cards, four in a row: how to show one, what it shows, and a run of it."""
    for start in range(0, len(cards), 4):
        row = zip(st.columns(4), cards[start : start + 4], strict=False)
        for column, (show, shown, run) in row:
            with column, st.container(border=True, height="stretch"):
                show(shown, _worst(runs, run))


def _kind(run) -> str:
    """The beta of a VAE; what any other model is."""
    from vae.core.config import KINDS

    if run.model.kind == "vae":
        return run.beta_label
    return " · ".join([KINDS[run.model.kind], run.beta_label][: 1 + run.model.has_rate])


def _betas_in_words(comparison) -> str:
    betas = comparison.betas
    words = [f"β {betas[0]:g} to {betas[-1]:g}"] if betas else []
    return " and ".join(words + ["any β"] * bool(comparison.multi_rate))


def _worst(runs, run) -> float:
    """The largest -ELBO among models of the same data and likelihood: only those compare."""
    kind = (run.train.dataset, run.model.likelihood)
    alike = (r.results for r in runs if (r.train.dataset, r.model.likelihood) == kind)
    return max(1e-6, *(results.test_distortion + results.test_rate for results in alike))


def _stacked_bar(distortion: float, rate: float | None, full: float) -> str:
    """Both terms end to end, the length `full` being the whole width; rate None for no rate."""
    from vae.charts.figures import DISTORTION_COLOUR, RATE_COLOUR

    parts = "".join(
        f"<span style='height:.6rem;background:{colour};width:{100 * max(0.0, nats) / full:.1f}%'>"
        "</span>"
        for nats, colour in ((distortion, DISTORTION_COLOUR), (rate or 0.0, RATE_COLOUR))
    )
    terms = f"{distortion:.1f} nats, no rate"
    if rate is not None:
        terms = f"{distortion:.1f} + {rate:.1f} nats"
    return (
        f"<div style='display:flex;gap:1px'>{parts}</div>"
        "<div style='font-size:.85rem;font-variant-numeric:tabular-nums;margin-top:.2rem'>"
        f"{terms}</div>"
    )


explorer = pick_explorer()
picture, doors = st.columns([1, 2], gap="large", vertical_alignment="center")
with picture, handle_errors():
    show_walk(explorer)
with doors:
    show_doors()

st.header("Models")
st.markdown(
    "Describing a test image costs :blue[**distortion**], what its code leaves out, plus "
    ":orange[**rate**], what the code itself says. Their sum is −ELBO: shorter is better."
)
with handle_errors():
    show_gallery()
