"""The compressor: encodes an image as a small grid of numbers, and decodes it again."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import catalogue, command_path, open_gallery, read_images
from pages.ui.image_picker import note_missing
from pages.ui.related_models import pick_one
from pages.ui.widgets import choose_one, show_figure
from pages.views.kinds.sample_images import sample_images
from vae.charts.images import enlarge, tile

if TYPE_CHECKING:
    from vae.analysis.compression import Compression
    from vae.explorer import Explorer
    from vae.runs.run import Run

SIDE, MEASURED = 128, 256
DEVIATIONS = 3.0
"""A picture of a code shows from −3 to 3 standard deviations of the prior, as black to white."""


def show(explorer: "Explorer") -> None:
    """Show one image with its code and reconstruction, and quality against bits for many."""
    model = _pick_model(explorer)
    if model is None:
        return
    images, _ = sample_images(model, MEASURED, seed=0)
    are_real = read_images(model) is not None
    left, right = st.columns([2.1, 1], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            index = int(st.number_input("Test image", 1, len(images), 1, width=160)) - 1
            step = _choose_step()
        _show_image(model, images, index, step, are_real)
    with right:
        _show_numbers(model, images, step, are_real)
    if not are_real:
        note_missing(model, open_gallery(model))
    with st.expander("What is compressed, and to how much?"):
        st.markdown(EXPLANATION)


def _pick_model(explorer: "Explorer") -> "Explorer | None":
    """Pick a model with a spatial code; say so and return None if there is none."""
    runs = sorted(
        (run for run in catalogue().runs if _is_compressor(run)),
        key=lambda run: run.path != explorer.run.path,
    )
    if not runs:
        st.info(
            "There is no model with a spatial code yet. Train one under **Train**, More settings, "
            "or with `vae train --arch spatial --latent-dim 256 --likelihood logistic`.",
            icon=":material/info:",
        )
        return None
    return pick_one(runs, "Compressor", key="compressor")


def _is_compressor(run: "Run") -> bool:
    """Return whether the code of a run is a grid over the image, and has a rate."""
    return len(run.model.latent_shape) == 3 and run.model.kind == "vae"


def _choose_step() -> float:
    """Choose the step to which the numbers of a code are rounded."""
    from vae.analysis.compression import STEPS

    return st.select_slider(
        "Round the code to multiples of",
        STEPS,
        value=0.5,
        format_func="{:g} σ".format,
        key="compressor-step",
        help="In standard deviations of the prior. Coarser codes take fewer bits.",
    )


def _show_image(
    model: "Explorer", images: np.ndarray, index: int, step: float, are_real: bool
) -> None:
    """Show an image, its code, its reconstruction, and JPEG at about the same number of bits."""
    code, bits, decoded = _code_image(model, images[index], step)
    channels, height, width = model.run.model.latent_shape
    c, h, w = model.run.model.image_shape
    grids = np.clip(code.reshape(channels, height, width, 1) / (2 * DEVIATIONS) + 0.5, 0, 1)
    columns = st.columns(4 if are_real else 3)
    columns[0].image(enlarge(images[index], SIDE), alt="In", output_format="PNG")
    columns[0].markdown(f"**In**  \n{c * h * w:,} numbers  \n{8 * c} bits per pixel")
    columns[1].image(tile(grids, 2 if channels > 1 else 1, SIDE // 2), alt="Code")
    columns[1].markdown(
        f"**Code**, {channels} × {height} × {width}  \n{code.size} numbers  \n"
        f"{bits / (h * w):.2f} bits per pixel"
    )
    columns[2].image(enlarge(decoded, SIDE), alt="Out", output_format="PNG")
    columns[2].markdown(f"**Out**  \n{_quality(images[index], decoded) if are_real else ''}")
    if are_real:
        copy, per_pixel = _jpeg(images, bits / (h * w))
        columns[3].image(enlarge(copy[index], SIDE), alt="JPEG", output_format="PNG")
        columns[3].markdown(
            f"**JPEG**  \n{_quality(images[index], copy[index])}  \n{per_pixel:.2f} bits per pixel"
        )


def _show_numbers(model: "Explorer", images: np.ndarray, step: float, are_real: bool) -> None:
    """Show the ratio of numbers, the rate, and the curve of quality beside that of JPEG."""
    run = model.run
    c, h, w = run.model.image_shape
    numbers = st.columns(3)
    numbers[0].metric(
        "Numbers",
        f"{c * h * w / model.latent_dim:.3g} : 1",
        help="Numbers of the image to numbers of the code.",
    )
    rate = run.results.test_rate / np.log(2)
    numbers[1].metric(
        "Rate",
        f"{rate:.0f} bits",
        help=f"KL(q(z|x) ‖ p(z)) of a test image, {rate / (h * w):.2f} bits per pixel. A sampled "
        "code costs this without rounding.",
    )
    if run.model.likelihood == "logistic":
        whole = -run.results.test_elbo / (c * h * w * np.log(2))
        numbers[2].metric(
            "Bits / dim",
            f"{whole:.2f}",
            help="−ELBO / (D ln 2) over the test split: the rate and the distortion, with a "
            "discretised logistic likelihood of 8-bit levels. It is an upper bound.",
        )
    if are_real:
        _show_curve(model, images, step)


def _show_curve(model: "Explorer", images: np.ndarray, step: float) -> None:
    from vae.analysis.compression import STEPS
    from vae.charts.compression import quality_curves

    measure = choose_one("Quality", ["PSNR", "SSIM"], "quality", label_visibility="collapsed")
    field = measure.lower()
    found = _measure(model, images)
    model_curve, jpeg_curve = (
        [(point.bits_per_pixel, getattr(point, field)) for point in points]
        for points in (found.rounded, found.jpeg)
    )
    unit = "PSNR (dB)" if measure == "PSNR" else "SSIM"
    show_figure(quality_curves(model_curve, jpeg_curve, STEPS.index(step), unit), "compression")
    st.caption(
        f"{found.count} test images; without rounding {found.psnr:.1f} dB, SSIM {found.ssim:.2f}. "
        f"JPEG codes them as one sheet. `vae compression {command_path(model.run)}` prints this."
    )


def _quality(image: np.ndarray, other: np.ndarray) -> str:
    from vae.metrics.psnr_ssim import image_quality

    found = image_quality(image[None], other[None])
    return f"PSNR {found.psnr:.1f} dB  \nSSIM {found.ssim:.2f}"


@st.cache_data(max_entries=200, show_spinner=False, hash_funcs=BY_RUN)
def _code_image(
    model: "Explorer", image: np.ndarray, step: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the rounded code of an image, the bits of the code, and the decoded image."""
    from vae.analysis.compression import rounded_codes

    codes, bits = rounded_codes(model.encode(image[None])[0], step)
    return codes[0], float(bits[0]), model.decode(codes)[0]


@st.cache_data(max_entries=30, show_spinner=False)
def _jpeg(images: np.ndarray, bits_per_pixel: float) -> tuple[np.ndarray, float]:
    """Return all images after JPEG, at the quality with the nearest number of bits."""
    from vae.analysis.compression import JPEG_QUALITIES, jpeg_copies

    found = [jpeg_copies(images, setting) for setting in JPEG_QUALITIES]
    return min(found, key=lambda copies: abs(copies[1] - bits_per_pixel))


@st.cache_data(max_entries=4, show_spinner="Coding the test images …", hash_funcs=BY_RUN)
def _measure(model: "Explorer", images: np.ndarray) -> "Compression":
    from vae.analysis.compression import measure_compression

    return measure_compression(model, images)


EXPLANATION = r"""
Convolutions halve the image twice. Each position of the coarse grid keeps a few numbers, so the
code is a small image of *latents*. The autoencoders of latent diffusion work in the same way
(Rombach et al. 2022, factor $f = 4$); they also have an adversarial and a perceptual loss, and are
trained on millions of large photographs. The rate $\mathrm{KL}(q(z|x)\,\|\,p(z))$ keeps the code
near the standard normal prior, and the prior gives the cost of a code in **bits**. If a number is
rounded to multiples of a step, it takes $-\log_2$ of the probability of its interval, which an
arithmetic coder reaches. **PSNR** is $10 \log_{10}(1/\mathrm{MSE})$. **SSIM** compares local means,
variances and covariances (Wang et al. 2004). JPEG gets all images as one sheet, because the header
of a file alone is larger than such a small image.
"""
