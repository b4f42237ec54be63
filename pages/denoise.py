"""Denoise: corrupts images, encodes and decodes them, and compares with the originals."""

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import url_state
from pages.state.caches import BY_DECODER
from pages.state.models import catalogue, open_explorer, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.markdown import escaped
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link, choose_seed, show_figure
from vae.charts.images import tile
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vae.analysis.denoising import Corruption, Denoising, Method
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

    MethodsForLabels = Callable[[np.ndarray], dict[str, Method]]

SHOWN, TILE = 6, 56
MEASURED = 200
STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
MIN_STRENGTH, MAX_STRENGTH = 0.05, 1.0

open_page(
    "Denoise",
    "A decoder can paint only what it has learned. **Move the strength** and see how much of the "
    "image each method recovers.",
)


def choose_corruption() -> "tuple[Corruption, float, int]":
    """Choose kind, strength and seed of the corruption; kind and strength stand in the link."""
    from vae.analysis.denoising import CORRUPTIONS, STRENGTHS

    kind = choose_in_link(
        "Corruption",
        list(CORRUPTIONS),
        name="corruption",
        key="denoise-kind",
        format_func=CORRUPTIONS.__getitem__,
    )
    linked = url_state.read_number("strength", 0.5, -np.inf, np.inf)
    url_state.set_initial_value("denoise-strength", min(MAX_STRENGTH, max(MIN_STRENGTH, linked)))
    strength = st.slider(
        "Strength",
        MIN_STRENGTH,
        MAX_STRENGTH,
        step=0.05,
        key="denoise-strength",
        help=STRENGTHS[kind],
        width=260,
    )
    url_state.write("strength", f"{strength:g}")
    seed = choose_seed(width=130, help="Chooses the images and the noise.")
    return kind, float(strength), seed


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


def show_rows(
    gallery: "Gallery",
    methods: "MethodsForLabels",
    corruption: "Corruption",
    strength: float,
    seed: int,
) -> None:
    """Show clean images, and below them a row with the result of each method."""
    from vae.analysis.denoising import METHODS, corrupt
    from vae.metrics.psnr_ssim import image_quality

    indices = _sample(gallery, seed, SHOWN)
    clean = gallery.images(indices)
    corrupted = corrupt(clean, corruption, strength, seed)
    _show_row("Clean", "", clean)
    for name, method in methods(gallery.labels[indices]).items():
        restored = method(corrupted)
        numbers = ""
        if gallery.are_real:
            quality = image_quality(clean, restored)
            numbers = f"{quality.psnr:.1f} dB, SSIM {quality.ssim:.2f}"
        _show_row(METHODS[name], numbers, restored)


def _show_row(title: str, numbers: str, images: np.ndarray) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**" + (f"  \n:small[{numbers}]" if numbers else ""), width=140)
        st.image(tile(images, SHOWN, TILE), alt=title)


def show_quality(found: "Denoising", strength: float) -> None:
    """Show the quality of every method by strength, and the best method at each strength."""
    from vae.analysis import denoising
    from vae.charts.denoising import quality_curves

    axis = denoising.STRENGTHS[found.corruption]
    figure = quality_curves(
        found.strengths, found.psnr, found.ssim, denoising.METHODS, strength, axis
    )
    show_figure(figure, key="denoise-quality")
    for measure, title in (("psnr", "PSNR"), ("ssim", "SSIM")):
        st.markdown(f"Best {title}: {_winners(found.strengths, found.best(measure))}.")
    st.caption(f"On {found.count} test images. PCA keeps {found.components} components.")


def _winners(strengths: "Sequence[float]", best: "Sequence[str]") -> str:
    """Return a text such as "As it came at 0.1, Trained for it at 0.2 to 1"."""
    from vae.analysis.denoising import METHODS

    parts = []
    for name, group in groupby(range(len(best)), key=best.__getitem__):
        first, *_, last = [*group] * 2
        span = f"{strengths[first]:g}" + (f" to {strengths[last]:g}" if last > first else "")
        parts.append(f"**{METHODS[name]}** at {span}")
    return ", ".join(parts)


@st.cache_resource(max_entries=8, show_spinner="Fitting the principal components …")
def _pca(dataset: str, components: int, shape: tuple[int, int, int]) -> "Method | None":
    from vae.analysis.denoising import PCA_IMAGES, fit_pca
    from vae.explorer.gallery import read_training_images

    images = read_training_images(dataset, shape, PCA_IMAGES)
    return None if images is None else fit_pca(images, components)


@st.cache_data(max_entries=24, show_spinner="Measuring every strength …", hash_funcs=BY_DECODER)
def _measure(
    gallery: "Gallery",
    denoiser: "Explorer | None",
    corruption: "Corruption",
    seed: int,
    _methods: "MethodsForLabels",
) -> "Denoising":
    # The methods depend on the gallery's model and the denoiser, which are part of the key.
    from vae.analysis.denoising import measure_denoising

    indices = _sample(gallery, seed, MEASURED)
    images, methods = gallery.images(indices), _methods(gallery.labels[indices])
    components = gallery.explorer.latent_dim
    return measure_denoising(images, methods, corruption, STRENGTHS, components, seed)


def _sample(gallery: "Gallery", seed: int, count: int) -> np.ndarray:
    """Return the indices of random test images."""
    return np.random.default_rng(seed).permutation(len(gallery.labels))[:count]


explorer = pick_explorer()
with handle_errors():
    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        corruption, strength, seed = choose_corruption()
    denoiser = find_denoiser(explorer)
    methods = collect_methods(explorer, denoiser, gallery)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        show_rows(gallery, methods, corruption, strength, seed)
        note_models(explorer, denoiser)
    with right:
        if gallery.are_real:
            show_quality(_measure(gallery, denoiser, corruption, seed, methods), strength)
        else:
            st.caption("PSNR, SSIM and PCA need the images themselves, which are not here.")

with st.expander("What is compared?"):
    st.markdown(
        "**The model** encodes the corrupted image as it is and decodes the most probable code, "
        r"$\mathrm{decode}(\mathrm{mode}(q(z|x_\text{corrupted})))$. It has never seen corruption, "
        "which may mislead its encoder. During training, the model that was **trained for it** "
        "encoded images with Gaussian noise of one strength and had to decode the clean images (Im "
        "et al. 2017, *Denoising Criterion for Variational Auto-Encoding Framework*). **PCA** "
        "keeps as many components as the model has latent dimensions; it is fitted on clean "
        "training images. The **median filter** takes the median of 3×3 pixels.\n\n"
        r"**PSNR** is $10\log_{10}(1/\mathrm{MSE})$, in dB. **SSIM** compares structure in windows "
        "of 7×7 pixels (Wang et al. 2004). Higher is better for both. Under weak corruption, the "
        "unchanged image has the best PSNR, because a small code cannot hold every detail."
    )
