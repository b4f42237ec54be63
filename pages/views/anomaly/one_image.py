"""Shows one image, its reconstruction and the error of each pixel."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui.image_upload import upload_image
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one, show_figure
from pages.views.anomaly.ranking import SAMPLES, Ranked, selected_index
from vae.charts.images import enlarge

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.explorer.inspection import Inspection

TEST, UPLOAD = "Test image", "Upload"
SIDE = 112
"""Pixels of a picture, before the browser scales it."""


def show_image(detector: "Explorer", gallery: "Gallery", ranked: Ranked, threshold: float) -> None:
    """Show a test image or an uploaded one, its place in the ranking, and its error map."""
    source = choose_one("Image", [TEST, UPLOAD], "anomaly-source", label_visibility="collapsed")
    upload = None
    if source == UPLOAD:
        upload = upload_image(detector, "anomaly")
        if upload is None:
            st.caption("This is a test image, until you choose a picture.")
    if upload is not None:
        found = detector.inspect(upload.image)
        _show_score(upload.caption, _score(detector, found, ranked), ranked, threshold)
        _show_error_map(found.image, found.reconstruction)
        return
    index = selected_index(detector, ranked)
    name = escaped(gallery.name_of(index))
    title = f"Test image {index}, of class {name}"
    _show_score(title, float(ranked.scores[index]), ranked, threshold)
    if gallery.are_real:
        images = gallery.images(np.array([index]))
        _show_error_map(images[0], detector.reconstruct(images)[0])
        return
    picture = enlarge(detector.atlas_images([index])[0], SIDE)
    st.image(picture, width=picture.shape[1], alt="Decoded", output_format="PNG")
    st.caption(
        "This is its reconstruction. The error map needs the image itself, which is not on this "
        "machine."
    )


def _score(detector: "Explorer", found: "Inspection", ranked: Ranked) -> float:
    """Return the score of an image that is not in the test split."""
    from vae.analysis.anomaly import score_inspection

    samples = SAMPLES if ranked.score == "likelihood" else None
    return float(score_inspection(detector, found, samples).of(ranked.score)[0])


def _show_error_map(image: np.ndarray, decoded: np.ndarray) -> None:
    """Show the image, its reconstruction and the error of each pixel."""
    from vae.analysis.anomaly import error_map
    from vae.charts.anomaly import error_figure

    left, middle = (enlarge(each, max(image.shape[:2])) for each in (image, decoded))
    figure = error_figure(left, middle, error_map(image, decoded), height=165)
    show_figure(figure, key="anomaly-error")


def _show_score(title: str, score: float, ranked: Ranked, threshold: float) -> None:
    below = (ranked.scores[~ranked.abnormal] < score).mean()
    verdict = "**flagged**" if score > threshold else "not flagged"
    value = f"{score:.1f} nats" if ranked.unit == "nats" else f"{score:.3f}"
    st.caption(
        f"{title}: {value}, {verdict}. It scores higher than {below:.1%} of the images of the "
        "model's own classes."
    )
