"""The test split ranked by a score: threshold, strips of both ends, the ROC."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.ui.markdown import escaped
from vae.charts.images import tile
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.analysis.anomaly import ImageScores, Score, WorkingPoint
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

SAMPLES = 10
STRIP, TILE, GAP = 8, 56, 4
NO_BAR = {"displayModeBar": False}


@dataclass(frozen=True)
class Ranked:
    """The test images with one score, and which of them are of other classes."""

    key: str
    """Names the model and the score."""

    score: "Score"
    title: str
    unit: str
    scores: np.ndarray
    abnormal: np.ndarray
    usual: float
    """The threshold at which a twentieth of the normal images are flagged."""

    areas: dict[str, float]
    """The AUROC of every score that is at hand, by title."""


def rank(detector: "Explorer", gallery: "Gallery", score: "Score") -> Ranked:
    """Score the test split; without its images, by the rates that the checkpoint holds."""
    from vae.analysis.anomaly import (
        SCORES,
        abnormal_ones,
        atlas_rates,
        normal_labels,
        unit,
        usual_threshold,
    )

    abnormal = abnormal_ones(gallery.labels, normal_labels(detector))
    identity = detector.decoder_identity
    if gallery.are_real:
        samples = SAMPLES if score == "likelihood" else None
        found = _scores(identity, samples, detector, gallery)
        scores, areas = found.of(score), _areas(identity, samples, detector, found, abnormal)
    else:
        scores, areas = atlas_rates(detector), {}
    if not np.isfinite(scores).all():
        raise DataError(
            f"some test images cost {detector.run.name} more nats than a number holds, so they "
            "cannot be ranked; choose another model"
        )
    usual = usual_threshold(scores, abnormal)
    key = f"{identity[:16]}-{score}"
    return Ranked(key, score, SCORES[score], unit(score), scores, abnormal, usual, areas)


def show_threshold(ranked: Ranked) -> float:
    """The slider over the histogram of both sorts; returns the threshold in nats."""
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
        help="It starts where a twentieth of the test images of the model's own classes are "
        "flagged.",
    )
    axis = f"{ranked.title} ({ranked.unit})"
    figure = score_histogram(ranked.scores, ranked.abnormal, threshold, axis, height=190)
    st.plotly_chart(figure, key="anomaly-histogram", config=NO_BAR)
    return threshold


def show_numbers(ranked: Ranked, threshold: float) -> "WorkingPoint":
    """What the score is worth, and what the threshold comes to, which is returned."""
    from vae.analysis.anomaly import auroc, working_point

    point = working_point(ranked.scores, ranked.abnormal, threshold)
    area, share = auroc(ranked.scores, ranked.abnormal), ranked.abnormal.mean()
    shown = (
        ("AUROC", f"{area:.3f}", "the probability that a strange image scores higher; 0.5: chance"),
        (
            "Precision",
            f"{point.precision:.1%}",
            f"of those flagged; {share:.0%} of all are strange",
        ),
        ("Recall", f"{point.recall:.1%}", "of the strange images are flagged"),
    )
    for column, (label, value, words) in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(label, value, help=words)
    return point


def show_roc(ranked: Ranked, point: "WorkingPoint") -> None:
    """Where the threshold is on the ROC."""
    from vae.analysis.anomaly import roc
    from vae.charts.anomaly import roc_figure

    false_alarms, recall = roc(ranked.scores, ranked.abnormal)
    figure = roc_figure(false_alarms, recall, (point.false_alarms, point.recall), height=200)
    st.plotly_chart(figure, key="anomaly-roc", config=NO_BAR)
    st.caption(f"Flagged by mistake: {point.false_alarms:.1%} of the model's own classes.")
    if not ranked.areas:
        return
    others = ", ".join(f"{title} {area:.3f}" for title, area in ranked.areas.items())
    st.caption(f"AUROC by score: {others}.")


def show_strips(detector: "Explorer", gallery: "Gallery", ranked: Ranked) -> None:
    """Both ends of the ranking, and the strangest of the model's own; a button below each."""
    order = np.argsort(ranked.scores, kind="stable")
    own = order[~ranked.abnormal[order]]
    for words, chosen in (
        ("Least strange of all", order[:STRIP]),
        ("Strangest of all", order[::-1][:STRIP]),
        ("Strangest of the model's own classes", own[::-1][:STRIP]),
    ):
        with st.container(gap=None):
            st.caption(words)
            st.image(tile(gallery.images(chosen), STRIP, TILE, gap=GAP), alt=words)
            with st.container(horizontal=True, gap=None):
                for index in chosen.tolist():
                    _offer(detector, gallery, index, words)


def _offer(detector: "Explorer", gallery: "Gallery", index: int, strip: str) -> None:
    st.button(
        escaped(gallery.name_of(index), 20),
        key=f"strange-{strip}-{index}",
        type="tertiary",
        width=TILE + GAP,
        on_click=latent_position.share_image,
        args=(detector, index),
    )


def selected_index(detector: "Explorer", ranked: Ranked) -> int:
    """The test image that was chosen, else the strangest one."""
    shared = latent_position.shared_image(detector)
    return int(ranked.scores.argmax()) if shared is None else shared


@st.cache_resource(max_entries=8, show_spinner="Scoring the test images …")
def _scores(
    identity: str, samples: int | None, _detector: "Explorer", _gallery: "Gallery"
) -> "ImageScores":
    from vae.analysis.anomaly import score_images

    return score_images(_detector, _gallery.images(np.arange(len(_gallery.labels))), samples)


@st.cache_data(max_entries=16, show_spinner=False)
def _areas(
    identity: str,
    samples: int | None,
    _detector: "Explorer",
    _found: "ImageScores",
    _abnormal: np.ndarray,
) -> dict[str, float]:
    from vae.analysis.anomaly import SCORES, auroc, scores_there_are

    names = [s for s in scores_there_are(_detector.run.model) if s != "likelihood" or samples]
    return {SCORES[name]: auroc(_found.of(name), _abnormal) for name in names}
