"""Shows the screen Home: a walk through the latent space of the chosen model, and all models."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import catalogue, choose, sample_strip
from pages.ui.assets import decoder_id, mount_decoders
from pages.ui.instruments import DecoderPanel, live_walk
from pages.ui.layout import handle_errors, link_to, open_page, show_error
from pages.ui.markdown import escaped
from pages.ui.model_picker import pick_explorer
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run

    Card = tuple[Callable[[float], None], Run]

WALK_STOPS = 24
CARDS_IN_A_ROW = 4


open_page(
    "Latent Explorer",
    "A variational autoencoder compresses each image into a few numbers and decodes the image from "
    "them. Choose a model on the left and explore it.",
)


def show_walk(explorer: "Explorer") -> None:
    """Show a slow walk from test image to test image, decoded in the browser."""
    stops = np.linspace(0, len(explorer.atlas.label) - 1, WALK_STOPS).astype(int)
    points = explorer.atlas.mean[stops]
    panel: DecoderPanel = {"asset": decoder_id(explorer), "caption": ""}
    live_walk(f"walk-{explorer.run.identity[:16]}", [panel], points.tolist(), size=280)
    mount_decoders([explorer])


def show_page_links() -> None:
    """Show links to the three pages that a first visitor should open."""
    links = (
        ("map", "Explore the map", "Each test image is a point. Move the pointer over the map."),
        (
            "decode",
            "Move the sliders",
            "There is one slider for each latent dimension. The image follows your hand.",
        ),
        (
            "train",
            "Train your own",
            "It takes less than a minute on a laptop. Watch the model learn, or collapse.",
        ),
    )
    for page, title, text in links:
        with st.container(border=True):
            link_to(f"pages/{page}.py", f"**{title}**")
            st.caption(text)


def show_card(run: "Run", scale: float) -> None:
    """Show one model: its samples, the two terms of its loss, and its active units."""
    if not show_samples(run.name, run, scale):
        return
    st.caption(
        f"{_kind(run)} · {run.model.architecture} · "
        f"{run.results.active_units} of {run.model.latent_dim} active"
    )
    if st.button("Choose", key=f"choose-{run.name}", width="stretch"):
        choose(run.name)
        st.rerun()


def show_comparison_card(comparison: "Comparison", scale: float) -> None:
    """Show the models of a comparison as one card, with the samples and the loss of one of them."""
    from vae.data.registry import dataset_title

    run = comparison.example
    title = f"{dataset_title(run.train.dataset)}, {run.model.latent_dim} latent: which β?"
    if not show_samples(title, run, scale):
        return
    count = len(comparison.runs) + len(comparison.multi_rate)
    models = f"{count} models" if count > 1 else "one model"
    st.caption(f"{run.model.architecture} · {models} · {_betas_in_words(comparison)}")
    if st.button("Compare", key=f"compare-{run.name}", width="stretch"):
        choose(run.name)
        st.switch_page("pages/compare.py")


def show_samples(title: str, run: "Run", scale: float) -> bool:
    """Show the upper part of a card; show the error and return False if the model does not load."""
    st.markdown(f"**{escaped(title)}**")
    try:
        samples = sample_strip(run)
    except VaeError as error:
        show_error(error)
        return False
    st.image(samples, alt=f"Samples of {run.name}")
    rate = run.results.test_rate if run.model.has_rate else None
    st.html(_stacked_bar(run.results.test_distortion, rate, scale))
    return True


def show_gallery() -> None:
    """Show all models as cards, plain VAEs and comparisons first; then show unreadable models."""
    from vae.runs.comparison import comparisons

    found = catalogue()
    compared = comparisons(found.runs)
    shown = [run for run in found.runs if run.model.is_generative]
    single = [run for run in shown if not any(c.holds(run) for c in compared)]
    cards: list[Card] = [
        (partial(show_card, run), run) for run in single if run.model.kind == "vae"
    ]
    cards += [(partial(show_comparison_card, c), c.example) for c in compared]
    show_cards(cards, found.runs)
    relatives = [(partial(show_card, run), run) for run in single if run.model.kind != "vae"]
    if relatives:
        st.header("Relatives of the VAE")
        link_to("pages/kinds.py", "How they differ from a VAE")
        show_cards(relatives, found.runs)
    for error in found.errors:
        show_error(error)


def show_cards(cards: "Sequence[Card]", runs: "Sequence[Run]") -> None:
    """Show cards in rows. A card is a function that draws it, and the run that sets its scale."""
    for start in range(0, len(cards), CARDS_IN_A_ROW):
        columns = st.columns(CARDS_IN_A_ROW)
        for column, (show, run) in zip(columns, cards[start:], strict=False):
            with column, st.container(border=True, height="stretch"):
                show(_largest_loss(runs, run))


def _kind(run: "Run") -> str:
    """Return the beta of a VAE, or the kind of any other model, with its beta if it has a rate."""
    from vae.core.config import KINDS

    if run.model.kind == "vae":
        return run.beta_label
    return " · ".join([KINDS[run.model.kind], run.beta_label][: 1 + run.model.has_rate])


def _betas_in_words(comparison: "Comparison") -> str:
    betas = comparison.betas
    words = [f"β {betas[0]:g} to {betas[-1]:g}"] if betas else []
    return " and ".join(words + ["any β"] * bool(comparison.multi_rate))


def _largest_loss(runs: "Iterable[Run]", run: "Run") -> float:
    """Return the largest -ELBO of the models with the data set and the likelihood of `run`.

    Losses of other models are not comparable.
    """
    kind = (run.train.dataset, run.model.likelihood)
    found = (r.results for r in runs if (r.train.dataset, r.model.likelihood) == kind)
    return max(1e-6, *(results.test_distortion + results.test_rate for results in found))


def _stacked_bar(distortion: float, rate: float | None, scale: float) -> str:
    """Return both terms as one bar in HTML, `scale` nats wide; a model without a rate has None."""
    from vae.charts.figures import DISTORTION_COLOUR, RATE_COLOUR

    parts = "".join(
        f"<span style='height:.6rem;background:{colour};width:{100 * max(0.0, nats) / scale:.1f}%'>"
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
picture, links = st.columns([1, 2], gap="large", vertical_alignment="center")
with picture, handle_errors():
    show_walk(explorer)
with links:
    show_page_links()

st.header("Models")
st.markdown(
    "An image costs :blue[**distortion**], the detail that its code leaves out, plus "
    ":orange[**rate**], the detail that the code holds. Their sum is −ELBO: shorter is better."
)
with handle_errors():
    show_gallery()
