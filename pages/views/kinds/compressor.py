"""The compressor: a picture in, a small grid of numbers, a picture out."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import catalogue, command_path, open_explorer, open_gallery, read_images
from pages.ui.image_picker import note_missing
from pages.ui.widgets import choose_one
from vae.charts.images import enlarge, tile

if TYPE_CHECKING:
    from vae.analysis.compression import Compression
    from vae.explorer import Explorer
    from vae.runs.run import Run

SIDE, MEASURED = 128, 256
DEVIATIONS = 3.0
"""Of the prior, from black to white in the picture of a code."""


def show(explorer: "Explorer") -> None:
    """One image's way through the code, and quality against bits for many."""
    model = pick_model(explorer)
    if model is None:
        return
    images, are_real = images_to_code(model)
    left, right = st.columns([2.1, 1], gap="large")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            index = int(st.number_input("Test image", 1, len(images), 1, width=160)) - 1
            step = choose_step()
        show_way(model, images, index, step, are_real)
    with right:
        show_numbers(model, images, step, are_real)
    if not are_real:
        note_missing(model, open_gallery(model))
    with st.expander("What is compressed, and to how much?"):
        st.markdown(EXPLANATION)


def pick_model(explorer: "Explorer") -> "Explorer | None":
    """A model with a spatial code: the chosen one, or one of the others; None, and said."""
    runs = sorted(
        (run for run in catalogue().runs if is_compressor(run)),
        key=lambda run: run.path != explorer.run.path,
    )
    if not runs:
        st.info(
            "There is no model with a spatial code yet. Train one under **Train**, More settings, "
            "or with `vae train --arch spatial --latent-dim 256 --likelihood logistic`.",
            icon=":material/info:",
        )
        return None
    if len(runs) == 1:
        return open_explorer(runs[0])
    names = {run.name: run for run in runs}
    return open_explorer(names[st.selectbox("Compressor", list(names), key="compressor")])


def is_compressor(run: "Run") -> bool:
    """Whether its code keeps the places of the image and has a rate, whatever the image."""
    return len(run.model.latent_shape) == 3 and run.model.kind == "vae"


def images_to_code(model: "Explorer") -> tuple[np.ndarray, bool]:
    """Test images of all classes; the model's own reconstructions where there are none."""
    found = read_images(model)
    if found is None:
        return _stand_ins(model.run.identity, model), False
    chosen = np.random.default_rng(0).permutation(len(found.pixels))[:MEASURED]
    return found.pixels[chosen].astype(np.float32) / 255, True


def choose_step() -> float:
    """To what the code's numbers are rounded."""
    from vae.analysis.compression import STEPS

    return st.select_slider(
        "Round the code to multiples of",
        STEPS,
        value=0.5,
        format_func="{:g} σ".format,
        key="compressor-step",
        help="In standard deviations of the prior. Coarser codes take fewer bits.",
    )


def show_way(
    model: "Explorer", images: np.ndarray, index: int, step: float, are_real: bool
) -> None:
    """Image, code, image, and JPEG at about as many bits."""
    coded, bits, decoded = _way(model.run.identity, index, step, images[index], model)
    channels, height, width = model.run.model.latent_shape
    c, h, w = model.run.model.image_shape
    grids = np.clip(coded.reshape(channels, height, width, 1) / (2 * DEVIATIONS) + 0.5, 0, 1)
    columns = st.columns(4 if are_real else 3)
    columns[0].image(enlarge(images[index], SIDE), alt="In", output_format="PNG")
    columns[0].markdown(f"**In**  \n{c * h * w:,} numbers  \n{8 * c} bits per pixel")
    columns[1].image(tile(grids, 2 if channels > 1 else 1, SIDE // 2), alt="Code")
    columns[1].markdown(
        f"**Code**, {channels} × {height} × {width}  \n{coded.size} numbers  \n"
        f"{bits / (h * w):.2f} bits per pixel"
    )
    columns[2].image(enlarge(decoded, SIDE), alt="Out", output_format="PNG")
    columns[2].markdown(f"**Out**  \n{_closeness(images[index], decoded) if are_real else ''}")
    if are_real:
        copy, per_pixel = _jpeg(model.run.identity, bits / (h * w), images)
        columns[3].image(enlarge(copy[index], SIDE), alt="JPEG", output_format="PNG")
        columns[3].markdown(
            f"**JPEG**  \n{_closeness(images[index], copy[index])}  \n"
            f"{per_pixel:.2f} bits per pixel"
        )


def show_numbers(model: "Explorer", images: np.ndarray, step: float, are_real: bool) -> None:
    """Of all the images: ratio, rate, quality; the curve beside JPEG's."""
    run = model.run
    c, h, w = run.model.image_shape
    numbers = st.columns(3)
    numbers[0].metric("Numbers", f"{c * h * w / model.latent_dim:.3g} : 1", help="In to out.")
    rate = run.results.test_rate / np.log(2)
    numbers[1].metric(
        "Rate",
        f"{rate:.0f} bits",
        help=f"KL(q(z|x) ‖ p(z)) of a test image, {rate / (h * w):.2f} bits per pixel: what a "
        "sampled code costs, without rounding.",
    )
    if run.model.likelihood == "logistic":
        whole = -run.results.test_elbo / (c * h * w * np.log(2))
        numbers[2].metric(
            "Bits / dim",
            f"{whole:.2f}",
            help="-ELBO / (D ln 2) over the test split: rate and what is left to tell, as a "
            "discretised logistic likelihood of 8-bit levels. An upper bound.",
        )
    if are_real:
        _show_curve(model, images, step)


def _show_curve(model: "Explorer", images: np.ndarray, step: float) -> None:
    from vae.analysis.compression import STEPS
    from vae.charts.compression import quality_curves

    measure = choose_one("Quality", ["PSNR", "SSIM"], "quality", label_visibility="collapsed")
    field = measure.lower()
    found = _measured(model.run.identity, images, model)
    model_curve, jpeg_curve = (
        [(point.bits_per_pixel, getattr(point, field)) for point in points]
        for points in (found.rounded, found.jpeg)
    )
    unit = "PSNR (dB)" if measure == "PSNR" else "SSIM"
    figure = quality_curves(model_curve, jpeg_curve, STEPS.index(step), unit)
    st.plotly_chart(figure, key="compression", config={"displayModeBar": False})
    st.caption(
        f"{found.count} test images; unrounded {found.psnr:.1f} dB, SSIM {found.ssim:.2f}. JPEG "
        f"codes them as one sheet. `vae compression {command_path(model.run)}` prints this."
    )


def _closeness(image: np.ndarray, other: np.ndarray) -> str:
    from vae.metrics.psnr_ssim import image_quality

    found = image_quality(image[None], other[None])
    return f"PSNR {found.psnr:.1f} dB  \nSSIM {found.ssim:.2f}"


@st.cache_data(max_entries=4, show_spinner=False)
def _stand_ins(identity: str, _model: "Explorer") -> np.ndarray:
    chosen = np.random.default_rng(0).permutation(len(_model.atlas.label))[:MEASURED]
    return _model.atlas_images(chosen)


@st.cache_data(max_entries=200, show_spinner=False)
def _way(
    identity: str, index: int, step: float, _image: np.ndarray, _model: "Explorer"
) -> tuple[np.ndarray, float, np.ndarray]:
    """The rounded code, its bits, and what it decodes to."""
    from vae.analysis.compression import rounded_codes

    codes, bits = rounded_codes(_model.encode(_image[None])[0], step)
    return codes[0], float(bits[0]), _model.decode(codes)[0]


@st.cache_data(max_entries=30, show_spinner=False)
def _jpeg(identity: str, bits_per_pixel: float, _images: np.ndarray) -> tuple[np.ndarray, float]:
    """All images after JPEG, at the quality whose bits come nearest."""
    from vae.analysis.compression import JPEG_QUALITIES, jpeg_copies

    found = [jpeg_copies(_images, setting) for setting in JPEG_QUALITIES]
    return min(found, key=lambda copies: abs(copies[1] - bits_per_pixel))


@st.cache_data(max_entries=4, show_spinner="Coding the test images …")
def _measured(identity: str, _images: np.ndarray, _model: "Explorer") -> "Compression":
    from vae.analysis.compression import measure_compression

    return measure_compression(_model, _images)


EXPLANATION = r"""
Convolutions halve the image twice; each place of the coarse grid keeps a few numbers, so the code
is a small image of *latents*, as in the autoencoders that latent diffusion works in (Rombach et
al. 2022, factor $f = 4$; theirs also have an adversarial and a perceptual loss and are trained on
millions of large photographs). The rate $\mathrm{KL}(q(z|x)\,\|\,p(z))$ keeps the code near the
standard normal prior, and the prior says what a code costs in **bits**: rounded to multiples of a
step, each number takes $-\log_2$ of the probability of its interval, which an arithmetic coder
reaches. **PSNR** is $10 \log_{10}(1/\mathrm{MSE})$; **SSIM** compares local means, variances and
covariances (Wang et al. 2004). JPEG gets all images as one sheet, since the head of a file alone
outweighs such a small picture.
"""
