"""Shows the result of each method on some images, and its quality by strength of corruption."""

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_DECODER
from pages.ui.widgets import show_figure
from vae.charts.images import tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pages.views.denoise.methods import MethodsForLabels
    from vae.analysis.denoising import Corruption, Denoising
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

SHOWN, TILE = 6, 56
MEASURED = 200
STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


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


def show_quality(
    gallery: "Gallery",
    denoiser: "Explorer | None",
    methods: "MethodsForLabels",
    corruption: "Corruption",
    strength: float,
    seed: int,
) -> None:
    """Show the quality of every method by strength, and the best method at each strength.

    Args:
        gallery: The test images, which must be real.
        denoiser: The model that was trained to undo noise, if there is one.
        methods: The methods by name for images with some labels.
        corruption: The kind of corruption.
        strength: The strength that the chart marks.
        seed: Chooses the images and the noise.
    """
    from vae.analysis import denoising
    from vae.charts.denoising import quality_curves

    found = _measure(gallery, denoiser, corruption, seed, methods)
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
