"""Shows a model images that it was not trained on, and how many of them the detector flags."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import command_path, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.markdown import table
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.ood import OodResult
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

MEASURED, SHOWN = 1000, 3
"""The number of test images that are measured, and the number of images shown of each source."""

TILE = 56
HEADS = ("images", "−ELBO, nats", "low ELBO", "far code", "flagged")


def show_ood(explorer: "Explorer") -> None:
    """Show some images of each source, and the share of each that the detector flags."""
    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    st.markdown(
        "**A model encodes and decodes any image of the right size. It does not report that it "
        "has never seen a similar image.** The detector flags an image for "
        "either of two reasons. Its ELBO is lower than that of all but 1 % of the model's own test "
        "images, or its code is further away from their codes than all but 1 % of them."
    )
    results = _results(gallery)
    pictures, numbers = st.columns([1.1, 1.2], gap="medium")
    with pictures:
        st.image(_sheet(gallery), alt="Images of several sources")
        st.caption(
            "Each column is one source, in the order of the table. The reconstruction stands below "
            "each image."
        )
    with numbers:
        st.markdown(table(HEADS, map(_cells, results)))
        st.caption(
            "**To cure it:** check the ELBO and the code before you believe a number. "
            f"{results[0].count:,} images of each source, as `vae ood "
            f"{command_path(explorer.run)}` measures them."
        )


def _cells(result: "OodResult") -> list[str]:
    return [
        result.name,
        f"{result.loss:,.4g}",
        f"{result.low_elbo:.1%}",
        f"{result.far_code:.1%}",
        f"**{result.flagged:.1%}**",
    ]


@st.cache_data(max_entries=20, show_spinner="Measuring images from elsewhere …", hash_funcs=BY_RUN)
def _results(gallery: "Gallery") -> "list[OodResult]":
    from vae.analysis.ood import measure_ood

    indices = np.random.default_rng(0).permutation(len(gallery.labels))[:MEASURED]
    return measure_ood(gallery.explorer, gallery.images(indices), gallery.labels[indices])


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs=BY_RUN)
def _sheet(gallery: "Gallery") -> np.ndarray:
    """Return some images of each source, a column each, above their reconstructions."""
    from vae.analysis.ood import image_sources

    explorer = gallery.explorer
    indices = np.random.default_rng(1).permutation(len(gallery.labels))[:SHOWN]
    sources = image_sources(explorer, gallery.images(indices))
    rows = []
    for row in zip(*sources.values(), strict=False):
        images = np.stack(row)
        rows += [images, explorer.reconstruct(images, np.zeros(len(images), int))]
    return tile(np.concatenate(rows), len(sources), TILE)
