"""Draws random test images of a model, which the sections Likelihoods and Compressor share."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import read_images

if TYPE_CHECKING:
    from vae.explorer import Explorer


def sample_images(model: "Explorer", count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return test images (n, h, w, c) and labels; without the data set, reconstructions."""
    found = read_images(model)
    if found is None:
        return _reconstructions(model, count, seed)
    indices = np.random.default_rng(seed).permutation(len(found.pixels))[:count]
    return found.pixels[indices].astype(np.float32) / 255, found.labels[indices]


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=BY_RUN)
def _reconstructions(model: "Explorer", count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = model.atlas.label
    indices = np.random.default_rng(seed).permutation(len(labels))[:count]
    return model.atlas_images(indices), labels[indices]
