"""Denoise: corrupt images, encode and decode them, and compare that with the clean ones."""

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import url_state
from pages.state.models import catalogue, open_explorer, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.markdown import escaped
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one
from vae.charts.images import tile
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vae.analysis.denoising import Corruption, Denoising, Method
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

    Ways = Callable[[np.ndarray], dict[str, Method]]

SHOWN, TILE = 6, 56
MEASURED = 200
STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
KIND, STRENGTH = "corruption", "strength"

open_page(
    "Denoise",
    "A decoder can only paint what it has learnt to: **move the strength** and see how much of the "
    "image each method brings back.",
)


def choose_corruption() -> "tuple[Corruption, float, int]":
    """What is done to the images, how strongly, and to which; the first two stand in the link."""
    from vae.analysis.denoising import CORRUPTIONS, STRENGTHS

    names = list(CORRUPTIONS)
    url_state.set_initial_value("denoise-kind", url_state.read(KIND), names)
    kind = choose_one("Corruption", names, "denoise-kind", format_func=CORRUPTIONS.__getitem__)
    url_state.write(KIND, kind)
    url_state.set_initial_value("denoise-strength", _kept_strength())
    strength = st.slider(
        "Strength", 0.05, 1.0, step=0.05, key="denoise-strength", help=STRENGTHS[kind], width=260
    )
    url_state.write(STRENGTH, f"{strength:g}")
    seed = st.number_input("Draw", 0, 10_000, 0, width=130, help="Which images, and which noise.")
    return kind, float(strength), int(seed)


def _kept_strength() -> float:
    try:
        strength = float(url_state.read(STRENGTH) or 0.5)
    except ValueError:
        return 0.5
    return min(1.0, max(0.05, strength)) if strength == strength else 0.5


def pick_denoiser(explorer: "Explorer") -> "Explorer | None":
    """The model of the same images that was trained to undo noise; None where there is none."""
    from vae.analysis.denoising import find_denoiser
    from vae.core.errors import CheckpointError

    if explorer.run.train.corruption:
        return None
    try:
        return open_explorer(find_denoiser(catalogue().runs, explorer.run))
    except CheckpointError:
        # The others are compared all the same; `note_models` says that it is missing.
        return None


def note_models(explorer: "Explorer", denoiser: "Explorer | None") -> None:
    """Which models the rows are of."""
    run = explorer.run
    if run.train.corruption:
        own = f", trained to undo noise of {run.train.corruption:g}"
        st.caption(f"The model: {escaped(run.name)}{own}.")
    elif denoiser is None:
        st.caption(
            f"The model: {escaped(run.name)}. "
            "No model of these images was trained for it; Train, More "
            "settings, Corruption does."
        )
    else:
        level = denoiser.run.train.corruption
        st.caption(
            f"The model: {escaped(run.name)}. Trained for it, with noise of {level:g}: "
            f"{escaped(denoiser.run.name)}."
        )


def ways(explorer: "Explorer", denoiser: "Explorer | None", gallery: "Gallery") -> "Ways":
    """What is done with corrupted images of given labels."""
    from vae.analysis.denoising import methods

    run = explorer.run
    pca = None
    if gallery.are_real:
        pca = _pca(base_name(run.train.dataset), explorer.latent_dim, run.model.image_shape)
    return lambda labels: methods(explorer, labels, pca, denoiser)


def show_rows(gallery: "Gallery", how: "Ways", chosen: np.ndarray, settings: tuple) -> None:
    """The clean images, and below them a row a method, with what it comes to on these."""
    from vae.analysis.denoising import METHODS, corrupt, image_quality

    clean = gallery.images(chosen)
    corrupted = corrupt(clean, *settings)
    _row("Clean", "", clean)
    for name, method in how(gallery.labels[chosen]).items():
        found = method(corrupted)
        numbers = ""
        if gallery.are_real:
            measured = image_quality(clean, found)
            numbers = f"{measured.psnr:.1f} dB, SSIM {measured.ssim:.2f}"
        _row(METHODS[name], numbers, found)


def _row(title: str, numbers: str, images: np.ndarray) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**" + (f"  \n:small[{numbers}]" if numbers else ""), width=140)
        st.image(tile(images, SHOWN, TILE), alt=title)


def show_chart(found: "Denoising", strength: float) -> None:
    """The curves of every method, and which of them wins at each strength."""
    from vae.analysis.denoising import METHODS
    from vae.analysis.denoising import STRENGTHS as MEANING
    from vae.charts.denoising import quality_curves

    axis = MEANING[found.corruption]
    figure = quality_curves(found.strengths, found.psnr, found.ssim, METHODS, strength, axis)
    st.plotly_chart(figure, key="denoise-quality", config={"displayModeBar": False})
    for measure, title in (("psnr", "PSNR"), ("ssim", "SSIM")):
        st.markdown(f"Best {title}: {_winners(found.strengths, found.best(measure))}.")
    st.caption(f"On {found.count} test images; PCA keeps {found.components} components.")


def _winners(strengths: "Sequence[float]", best: "Sequence[str]") -> str:
    """Such as "As it came at 0.1, Trained for it at 0.2 to 1"."""
    from vae.analysis.denoising import METHODS

    parts = []
    for name, places in groupby(range(len(best)), key=best.__getitem__):
        first, *_, last = [*places] * 2
        span = f"{strengths[first]:g}" + (f" to {strengths[last]:g}" if last > first else "")
        parts.append(f"**{METHODS[name]}** at {span}")
    return ", ".join(parts)


@st.cache_resource(max_entries=8, show_spinner="Fitting the principal components …")
def _pca(dataset: str, components: int, shape: tuple[int, int, int]) -> "Method | None":
    from vae.analysis.denoising import PCA_IMAGES, fit_pca
    from vae.explorer.gallery import read_training_images

    images = read_training_images(dataset, shape, PCA_IMAGES)
    return None if images is None else fit_pca(images, components)


@st.cache_data(max_entries=24, show_spinner="Measuring every strength …")
def _measured(
    identity: str, kind: "Corruption", seed: int, _gallery: "Gallery", _how: "Ways"
) -> "Denoising":
    from vae.analysis.denoising import measure_denoising

    chosen = _drawn(_gallery, seed, MEASURED)
    how, components = _how(_gallery.labels[chosen]), _gallery.explorer.latent_dim
    return measure_denoising(_gallery.images(chosen), how, kind, STRENGTHS, components, seed)


def _drawn(gallery: "Gallery", seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(gallery.labels))[:count]


explorer = pick_explorer()
with handle_errors():
    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        settings = choose_corruption()
    denoiser = pick_denoiser(explorer)
    how = ways(explorer, denoiser, gallery)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        show_rows(gallery, how, _drawn(gallery, settings[2], SHOWN), settings)
        note_models(explorer, denoiser)
    with right:
        if gallery.are_real:
            both = explorer.decoder_identity + (denoiser.decoder_identity if denoiser else "")
            show_chart(_measured(both, settings[0], settings[2], gallery, how), settings[1])
        else:
            st.caption("PSNR, SSIM and PCA need the images themselves, which are not here.")

with st.expander("What is compared?"):
    st.markdown(
        "**The model** encodes the corrupted image as it is and decodes the most probable code, "
        r"$\mathrm{decode}(\mathrm{mode}(q(z|x_\text{corrupted})))$. It never saw corruption, and "
        "its encoder may be led astray. The one **trained for it** saw Gaussian noise of one "
        "strength on what its encoder was given, and had to paint the clean image (Im et al. 2017, "
        "*Denoising Criterion for Variational Auto-Encoding Framework*). **PCA** keeps as many "
        "components as the model has latent dimensions, fitted on clean training images. The "
        "**median filter** takes the median of 3×3 pixels.\n\n"
        r"**PSNR** is $10\log_{10}(1/\mathrm{MSE})$, in dB; **SSIM** compares structure in windows "
        "of 7×7 pixels (Wang et al. 2004); more is better. Where little was changed, "
        "leaving the image alone has the best PSNR: a narrow code cannot hold everything."
    )
