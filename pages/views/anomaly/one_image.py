"""One image, what the model makes of it, and where the two differ."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui.endpoints import uploaded_picture
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from pages.views.anomaly.ranking import NO_BAR, SAMPLES, Ranked, selected_index
from vae.charts.images import enlarge

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

TEST, OWN = "Test image", "Upload"
SIDE = 112
"""Pixels of a picture, before the browser scales it."""


def show_image(detector: "Explorer", gallery: "Gallery", ranked: Ranked, threshold: float) -> None:
    """A test image or a person's own, where it stands in the ranking, and its error map."""
    source = choose_one("Image", [TEST, OWN], "strange-source", label_visibility="collapsed")
    own = None
    if source == OWN:
        own = uploaded_picture(detector, "strange")
        if own is None:
            st.caption("Until a picture is chosen: a test image.")
    if own is not None:
        _say(own.caption, score_of(detector, own.image, ranked), ranked, threshold)
        show_error_map(detector, own.image)
        return
    index = selected_index(detector, ranked)
    name = escaped(gallery.name_of(index))
    title = f"Test image {index}, of class {name}"
    _say(title, float(ranked.scores[index]), ranked, threshold)
    if gallery.are_real:
        show_error_map(detector, gallery.images(np.array([index]))[0])
        return
    picture = enlarge(detector.atlas_images([index])[0], SIDE)
    st.image(picture, width=picture.shape[1], alt="Decoded", output_format="PNG")
    st.caption("Its reconstruction; the error map needs the image itself, which is not here.")


def score_of(detector: "Explorer", image: np.ndarray, ranked: Ranked) -> float:
    """The score of an image that is not in the test split."""
    from vae.analysis.anomaly import score_images

    samples = SAMPLES if ranked.score == "likelihood" else None
    return float(score_images(detector, image[None], samples).of(ranked.score)[0])


def show_error_map(detector: "Explorer", image: np.ndarray) -> None:
    """The image, its reconstruction and how far each pixel is off."""
    from vae.analysis.anomaly import error_map
    from vae.charts.anomaly import error_figure

    decoded = detector.reconstruct(image[None])[0]
    left, middle = (enlarge(each, max(image.shape[:2])) for each in (image, decoded))
    figure = error_figure(left, middle, error_map(image, decoded), height=165)
    st.plotly_chart(figure, key="anomaly-error", config=NO_BAR)


def _say(title: str, score: float, ranked: Ranked, threshold: float) -> None:
    below = (ranked.scores[~ranked.abnormal] < score).mean()
    verdict = "**flagged**" if score > threshold else "not flagged"
    value = f"{score:.1f} nats" if ranked.unit == "nats" else f"{score:.3f}"
    st.caption(
        f"{title}: {value}, {verdict}; stranger than {below:.1%} of the model's own classes."
    )
