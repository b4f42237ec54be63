"""Ranks the test images by a score; shows the threshold, both ends of the ranking and the ROC."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.caches import BY_DECODER
from pages.ui.markdown import escaped
from pages.ui.widgets import show_figure, show_metrics
from vae.charts.images import tile
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.anomaly import ImageScores, OperatingPoint, Score
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

SAMPLES = 10
STRIP, TILE, GAP = 8, 56, 4


@dataclass(frozen=True)
class Ranked:
    """The test images with one score, and which of them belong to other classes."""

    key: str
    """Identifies the model and the score."""

    score: "Score"
    title: str
    unit: str
    scores: np.ndarray
    abnormal: np.ndarray
    usual: float
    """The threshold that flags 5 % of the normal images."""

    areas: dict[str, float]
    """The AUROC of every known score, by title."""


def rank(detector: "Explorer", gallery: "Gallery", score: "Score") -> Ranked:
    """Score the test split; without its images, use the rates that the checkpoint holds."""
    from vae.analysis.anomaly import (
        SCORES,
        atlas_rates,
        default_threshold,
        find_abnormal,
        normal_labels,
        score_unit,
    )

    abnormal = find_abnormal(gallery.labels, normal_labels(detector))
    identity = detector.decoder_identity
    if gallery.are_real:
        samples = SAMPLES if score == "likelihood" else None
        found = _scores(samples, gallery)
        scores, areas = found.of(score), _areas(samples, detector, found, abnormal)
    else:
        scores, areas = atlas_rates(detector), {}
    if not np.isfinite(scores).all():
        raise DataError(
            f"some test images cost {detector.run.name} more nats than a number holds, so they "
            "cannot be ranked; choose another model"
        )
    usual = default_threshold(scores, abnormal)
    key = f"{identity[:16]}-{score}"
    return Ranked(key, score, SCORES[score], score_unit(score), scores, abnormal, usual, areas)


def show_threshold(ranked: Ranked) -> float:
    """Show the threshold's slider and the histogram of both sorts; return the threshold."""
    from vae.charts.anomaly import score_histogram

    low, high = (float(np.quantile(ranked.scores, q)) for q in (0.001, 0.999))
    digits = 1 if ranked.unit == "nats" else 3
    step = 10.0**-digits
    threshold = st.slider(
        f"Threshold ({ranked.unit})",
        round(low, digits),
        round(high + step, digits),
        round(min(max(ranked.usual, low), high), digits),
        step,
        format=f"%.{digits}f",
        key=f"threshold-{ranked.key}",
        help="At first it flags 5 % of the test images of the model's own classes.",
    )
    axis = f"{ranked.title} ({ranked.unit})"
    figure = score_histogram(ranked.scores, ranked.abnormal, threshold, axis, height=190)
    show_figure(figure, key="anomaly-histogram")
    return threshold


def show_numbers(ranked: Ranked, threshold: float) -> "OperatingPoint":
    """Show the AUROC of the score, and precision and recall at the threshold; return the latter."""
    from vae.analysis.anomaly import auroc, operating_point

    point = operating_point(ranked.scores, ranked.abnormal, threshold)
    area, share = auroc(ranked.scores, ranked.abnormal), ranked.abnormal.mean()
    metrics = [
        (
            "AUROC",
            f"{area:.3f}",
            "The probability that an anomaly scores higher than a normal image. 0.5 is chance.",
        ),
        (
            "Precision",
            f"{point.precision:.1%}",
            f"The share of flagged images that are anomalies. Of all images, {share:.0%} are.",
        ),
        ("Recall", f"{point.recall:.1%}", "The share of anomalies that are flagged."),
    ]
    show_metrics(metrics)
    return point


def show_roc(ranked: Ranked, point: "OperatingPoint") -> None:
    """Show the ROC curve with a mark at the threshold, and the AUROC of every known score."""
    from vae.analysis.anomaly import roc
    from vae.charts.anomaly import roc_figure

    false_alarms, recall = roc(ranked.scores, ranked.abnormal)
    figure = roc_figure(false_alarms, recall, (point.false_alarms, point.recall), height=200)
    show_figure(figure, key="anomaly-roc")
    st.caption(f"False alarms: {point.false_alarms:.1%} of the images of the model's own classes.")
    if not ranked.areas:
        return
    others = ", ".join(f"{title} {area:.3f}" for title, area in ranked.areas.items())
    st.caption(f"AUROC by score: {others}.")


def show_strips(detector: "Explorer", gallery: "Gallery", ranked: Ranked) -> None:
    """Show the images with the lowest and highest scores, with a button below each image."""
    order = np.argsort(ranked.scores, kind="stable")
    own = order[~ranked.abnormal[order]]
    for title, indices in (
        ("Lowest scores of all images", order[:STRIP]),
        ("Highest scores of all images", order[::-1][:STRIP]),
        ("Highest scores of the model's own classes", own[::-1][:STRIP]),
    ):
        with st.container(gap=None):
            st.caption(title)
            st.image(tile(gallery.images(indices), STRIP, TILE, gap=GAP), alt=title)
            with st.container(horizontal=True, gap=None):
                for index in indices.tolist():
                    _image_button(detector, gallery, index, title)


def _image_button(detector: "Explorer", gallery: "Gallery", index: int, strip: str) -> None:
    st.button(
        escaped(gallery.name_of(index), 20),
        key=f"anomaly-{strip}-{index}",
        type="tertiary",
        width=TILE + GAP,
        on_click=latent_position.share_image,
        args=(detector, index),
    )


def selected_index(detector: "Explorer", ranked: Ranked) -> int:
    """Return the test image that was chosen, or else the one with the highest score."""
    shared = latent_position.shared_image(detector)
    return int(ranked.scores.argmax()) if shared is None else shared


@st.cache_resource(max_entries=8, show_spinner="Scoring the test images …", hash_funcs=BY_DECODER)
def _scores(samples: int | None, gallery: "Gallery") -> "ImageScores":
    from vae.analysis.anomaly import score_images

    images = gallery.images(np.arange(len(gallery.labels)))
    return score_images(gallery.explorer, images, samples)


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs=BY_DECODER)
def _areas(
    samples: int | None, detector: "Explorer", _found: "ImageScores", _abnormal: np.ndarray
) -> dict[str, float]:
    from vae.analysis.anomaly import SCORES, auroc, available_scores

    names = [s for s in available_scores(detector.run.model) if s != "likelihood" or samples]
    return {SCORES[name]: auroc(_found.of(name), _abnormal) for name in names}
