"""Finds the methods that undo corruption: models, PCA and a median filter."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import catalogue, open_explorer
from pages.ui.markdown import escaped
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from vae.analysis.denoising import Method
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

MethodsForLabels = Callable[[np.ndarray], "dict[str, Method]"]
"""Gives the methods by name for images with some labels, which conditional models need."""


def find_denoiser(explorer: "Explorer") -> "Explorer | None":
    """Return the model of the same images that was trained to undo noise, or None."""
    from vae.analysis import denoising
    from vae.core.errors import CheckpointError

    if explorer.run.train.corruption:
        return None
    try:
        return open_explorer(denoising.find_denoiser(catalogue().runs, explorer.run))
    except CheckpointError:
        # The page compares the other methods, and `note_models` says that this one is missing.
        return None


def note_models(explorer: "Explorer", denoiser: "Explorer | None") -> None:
    """Show the names of the models, and the noise that they were trained to undo."""
    name, level = escaped(explorer.run.name), explorer.run.train.corruption
    if level:
        st.caption(f"The model: {name}, trained to undo noise of {level:g}.")
    elif denoiser is None:
        st.caption(
            f"The model: {name}. No model of these images was trained to undo noise. Train one "
            "under Train, More settings, Corruption."
        )
    else:
        st.caption(
            f"The model: {name}. Trained for it, with noise of "
            f"{denoiser.run.train.corruption:g}: {escaped(denoiser.run.name)}."
        )


def collect_methods(
    explorer: "Explorer", denoiser: "Explorer | None", gallery: "Gallery"
) -> "MethodsForLabels":
    """Return a function that gives the methods for images with given labels, by name."""
    from vae.analysis.denoising import methods

    run, pca = explorer.run, None
    if gallery.are_real:
        pca = _pca(base_name(run.train.dataset), explorer.latent_dim, run.model.image_shape)
    return lambda labels: methods(explorer, labels, pca, denoiser)


@st.cache_resource(max_entries=8, show_spinner="Fitting the principal components …")
def _pca(dataset: str, components: int, shape: tuple[int, int, int]) -> "Method | None":
    from vae.analysis.denoising import PCA_IMAGES, fit_pca
    from vae.explorer.gallery import read_training_images

    images = read_training_images(dataset, shape, PCA_IMAGES)
    return None if images is None else fit_pca(images, components)
