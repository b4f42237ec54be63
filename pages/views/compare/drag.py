"""Shows the view Drag β: a multi-rate model whose images and codes follow a slider of beta."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import open_explorer, open_gallery
from pages.ui.assets import curve_id, mount_multi_rate, multi_rate_id
from pages.ui.image_picker import offer_start_images
from pages.ui.instruments import BetaImage, TrainedModel, live_beta
from pages.ui.markdown import in_code

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.rate_gap import RateGap
    from vae.metrics.rate_curve import RateCurve
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run

EXEMPLARS = 9
BETA = "beta"


def show_drag(comparison: "Comparison") -> None:
    """Show the slider with all that follows it, and below a comparison with models of one beta."""
    if not comparison.multi_rate:
        st.info(
            "There is no multi-rate model of this data set and this network yet. Train one under "
            "“Train a sweep”, or with `vae train --beta-range 0.1,10`.",
            icon=":material/info:",
        )
        return
    explorer = open_explorer(_pick_run(comparison))
    index = latent_position.image_index(explorer)
    _show_slider(explorer, comparison, index)
    offer_start_images(explorer, "Choose the image", key="drag-image")
    _show_gaps(explorer, comparison)


def _pick_run(comparison: "Comparison") -> "Run":
    runs = {run.name: run for run in comparison.multi_rate}
    if len(runs) == 1:
        return comparison.multi_rate[0]
    return runs[st.selectbox("Multi-rate model", [*runs], key="multi-rate")]


def _show_slider(explorer: "Explorer", comparison: "Comparison", index: int) -> None:
    from vae.charts.figures import CLASS_COLOURS

    identity, dimensions = explorer.run.identity, explorer.dimensions_by_rate()[:2]
    live_beta(
        f"beta-{identity[:16]}",
        multi_rate_id(explorer),
        curve_id(explorer),
        _images(explorer, index),
        _trained(comparison),
        [f"z{dimension + 1}" for dimension in dimensions],
        CLASS_COLOURS,
        _beta(explorer),
        on_release=lambda beta: url_state.write(BETA, f"{beta:g}", identity),
    )
    mount_multi_rate(explorer)


def _beta(explorer: "Explorer") -> float:
    """Return the beta of the address if the model serves it, else the beta of its reports."""
    low, high = _curve(explorer).betas[[0, -1]]
    own, identity = explorer.run.train.beta, explorer.run.identity
    text = url_state.read(BETA, identity)
    if text is None:
        return own
    try:
        beta = float(text)
    except ValueError:
        beta = math.nan
    if low <= beta <= high:
        return beta
    url_state.remove(BETA, identity)
    return own


def _curve(explorer: "Explorer") -> "RateCurve":
    assert explorer.curve is not None
    return explorer.curve


def _images(explorer: "Explorer", index: int) -> "list[BetaImage]":
    """Return the shared test image and EXEMPLARS others: one of each class, then the first ones."""
    gallery = open_gallery(explorer)
    curve = _curve(explorer)
    firsts = [int(gallery.of_class(label)[0]) for label in gallery.classes()]
    rest = [i for i in range(len(gallery.labels)) if i not in firsts]
    shown = [index, *(firsts + rest)[:EXEMPLARS]]
    originals = list(gallery.images(np.array(shown))) if gallery.are_real else [None] * len(shown)
    return [
        {
            "means": curve.means_of(image),
            "original": original,
            "caption": f"test image {image}",
        }
        for image, original in zip(shown, originals, strict=True)
    ]


def _trained(comparison: "Comparison") -> "list[TrainedModel]":
    """Return the models that were trained for one beta with the objective of the curve."""
    return [
        {
            "beta": setting.beta,
            "rate": run.results.test_rate,
            "distortion": run.results.test_distortion,
            "caption": f"{setting.beta:g}",
        }
        for setting in comparison.settings
        if setting.objective == "beta-vae"
        for run in setting.runs
    ]


def _show_gaps(explorer: "Explorer", comparison: "Comparison") -> None:
    """Show the loss of the multi-rate model beside the loss of each model of one beta."""
    gaps = explorer.rate_gaps(_plain_runs(comparison))
    with st.expander("How accurate is the curve?"):
        st.markdown(
            "The slider shows **one** model, which was trained for every β in its range. Gates "
            r"$2\,\sigma(a \log\beta + b)$ scale each layer, and each training image gets a "
            "random β (Bae et al., *Multi-Rate VAE*, ICLR 2023). Open marks on the curve are "
            "models that were trained for a single β. The table compares the loss of both, "
            "distortion + β · rate, in nats per test image. The multi-rate model can be worse or "
            "better."
        )
        if gaps:
            st.dataframe(_gap_table(gaps), hide_index=True, width="content")
        st.caption(
            f"To compute a row again: `vae evaluate checkpoints/{explorer.run.name} --beta B`. "
            f"To train the model again: {in_code(_command(explorer))}"
        )


def _plain_runs(comparison: "Comparison") -> "list[Run]":
    return [run for run in comparison.runs if run.train.objective == "beta-vae"]


def _gap_table(gaps: "Sequence[RateGap]") -> dict[str, list[Any]]:
    return {
        "β": [f"{gap.beta:g}" for gap in gaps],
        "seed": [gap.seed for gap in gaps],
        "one model for all β": [f"{gap.multi_rate:.1f}" for gap in gaps],
        "trained for this β": [f"{gap.single_rate:.1f}" for gap in gaps],
        "difference": [f"{100 * gap.relative:+.1f} %" for gap in gaps],
        "epochs (all β / this β)": [f"{gap.epochs[0]:g} / {gap.epochs[1]:g}" for gap in gaps],
    }


def _command(explorer: "Explorer") -> str:
    from vae.runs.report import train_command

    return train_command(explorer.run)
