"""Denoise: corrupts images, encodes and decodes them, and compares with the originals."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import url_state
from pages.state.models import open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link, choose_seed
from pages.views.denoise.methods import collect_methods, find_denoiser, note_models
from pages.views.denoise.results import show_quality, show_rows

if TYPE_CHECKING:
    from vae.analysis.denoising import Corruption

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
            show_quality(gallery, denoiser, methods, corruption, strength, seed)
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
