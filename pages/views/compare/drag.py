"""Beta as a live slider: one multi-rate model, decoded in the browser at whatever beta it shows."""

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import open_explorer, open_gallery
from pages.ui.assets import curve_id, mount_multi_rate, multi_rate_id
from pages.ui.image_picker import choose_test_image
from pages.ui.instruments import BetaImage, TrainedModel, live_beta
from pages.ui.markdown import in_code

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.metrics.rate_curve import RateCurve
    from vae.runs.comparison import Comparison

EXEMPLARS = 9
BETA = "beta"


def show_drag(comparison: "Comparison") -> None:
    """The slider and everything that follows it; below, how close it is to models of one beta."""
    if not comparison.multi_rate:
        st.info(
            "There is no multi-rate model of these data and this network yet. Train one under "
            "“Train a sweep”, or with `vae train --beta-range 0.1,10`.",
            icon=":material/info:",
        )
        return
    explorer = open_explorer(_chosen_run(comparison))
    index = latent_position.image_index(explorer)
    _show_slider(explorer, comparison, index)
    pressed = choose_test_image(explorer, "Choose the image", key="drag-image")
    if pressed is not None:
        latent_position.start_from_image(explorer, pressed)
        st.rerun()
    _show_gaps(explorer, comparison)


def _chosen_run(comparison: "Comparison"):
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
    """The beta of the link where the model serves it, else the one that it is reported at."""
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
    """The shared test image, and one of each class or the first ones."""
    gallery = open_gallery(explorer)
    curve = _curve(explorer)
    firsts = [int(gallery.of_class(label)[0]) for label in gallery.classes()]
    rest = [i for i in range(len(gallery.labels)) if i not in firsts]
    shown = [index, *(firsts + rest)[:EXEMPLARS]]
    originals = list(gallery.images(np.array(shown))) if gallery.are_real else [None] * len(shown)
    return [
        {
            "means": curve.means_of(place),
            "original": original,
            "caption": f"test image {place}",
        }
        for place, original in zip(shown, originals, strict=True)
    ]


def _trained(comparison: "Comparison") -> "list[TrainedModel]":
    """The models of one beta with the plain objective: what the curve stands for."""
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
    """The multi-rate model's objective beside that of each model of one beta."""
    gaps = explorer.rate_gaps(_plain_runs(comparison))
    with st.expander("How honest is the curve?"):
        st.markdown(
            "The slider shows **one** model, trained once for every β in its range: each layer is "
            r"gated by $2\,\sigma(a \log\beta + b)$ and each training image gets a β of its own "
            "(Bae et al., *Multi-Rate VAE*, ICLR 2023). Open marks on the curve are models trained "
            "for that β alone. Below, what each minimises, distortion + β · rate, in nats per test "
            "image: the multi-rate model can be that much worse, or better."
        )
        if gaps:
            st.dataframe(_gap_table(gaps), hide_index=True, width="content")
        st.caption(
            f"Each row again: `vae evaluate checkpoints/{explorer.run.name} --beta B`. "
            f"The whole model again: {in_code(_command(explorer))}"
        )


def _plain_runs(comparison: "Comparison"):
    return [run for run in comparison.runs if run.train.objective == "beta-vae"]


def _gap_table(gaps) -> dict[str, list]:
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
