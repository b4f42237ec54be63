"""Compression: a model as a codec of images, its quality at each number of bits.

A code is rounded to multiples of a step, and each rounded number costs what the standard normal
prior says: -log2 of the probability of its interval, which an arithmetic coder reaches to a
fraction of a percent (Balle et al., "End-to-end Optimized Image Compression", 2017, with the VAE's
own prior in place of a learned one). Beside it stands JPEG.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import Float, Int

from vae.charts.images import jpeg_bytes, sprite_sheet
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import ImageQuality, image_quality

STEPS = (0.125, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""To round codes to, in units of the prior's standard deviation."""

JPEG_QUALITIES = (5, 10, 20, 35, 50, 70, 85)
JPEG_COLUMNS = 16
JPEG_IMAGES = JPEG_COLUMNS**2
"""Coded as one sheet, so that the file's head is shared: alone it outweighs a small image."""


@dataclass(frozen=True)
class CodecPoint(Record):
    """One setting of a codec."""

    setting: float
    """The step of the codes, or JPEG's quality."""

    bits_per_pixel: float
    psnr: float
    """In dB, of all images together."""

    ssim: float
    """The mean over the images."""


@dataclass(frozen=True)
class Compression(Record):
    """A model as a codec; means over test images."""

    numbers_in: int
    """Of an image: pixels times channels."""

    numbers_out: int
    """Of its code."""

    latent_shape: tuple[int, ...]
    """Channels, height, width of a spatial code; else its length."""

    rate_bits: float
    """KL(q(z|x) || p(z)) / ln 2: bits of an image's code that is not rounded but sampled."""

    psnr: float
    """Of what the decoder makes of the posterior mean, in dB."""

    ssim: float
    """The same as structural similarity, at most 1."""

    rounded: tuple[CodecPoint, ...]
    """Codes rounded to steps, from fine to coarse."""

    jpeg: tuple[CodecPoint, ...]
    """JPEG files of the same images, from low to high quality."""

    count: int
    """Test images."""

    @property
    def ratio(self) -> float:
        """How many times fewer numbers."""
        return self.numbers_in / self.numbers_out


def rounded_codes(
    codes: Float[np.ndarray, "n latent"], step: float
) -> tuple[Float[np.ndarray, "n latent"], Float[np.ndarray, "n"]]:
    """Codes at multiples of a step, and the bits that each of them costs under the prior."""
    from scipy.stats import norm

    places = np.rint(codes.astype(np.float64) / step)
    # By symmetry only the tail away from 0 is asked for: there the digits are.
    inner, outer = (np.abs(places) - 0.5) * step, (np.abs(places) + 0.5) * step
    bits = -np.log2(np.maximum(norm.sf(inner) - norm.sf(outer), np.finfo(float).tiny))
    return (places * step).astype(np.float32), bits.sum(axis=1)


def measure_compression(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"] | None = None,
    steps: Sequence[float] = STEPS,
) -> Compression:
    """Encode real images, round, decode, and compare; ConfigError where codes have no rate."""
    run = explorer.run
    if not run.model.is_gaussian:
        raise ConfigError(f"the codes of {run.name} have no Gaussian prior; choose a VAE")
    means, logvars = explorer.encode(images, labels)
    whole = image_quality(images, explorer.decode(means, labels))
    return Compression(
        numbers_in=math.prod(images.shape[1:]),
        numbers_out=explorer.latent_dim,
        latent_shape=run.model.latent_shape,
        rate_bits=_rate_bits(means, logvars),
        psnr=whole.psnr,
        ssim=whole.ssim,
        rounded=tuple(_rounded_point(explorer, images, means, labels, step) for step in steps),
        jpeg=tuple(_jpeg_point(images[:JPEG_IMAGES], setting) for setting in JPEG_QUALITIES),
        count=len(images),
    )


def jpeg_copies(
    images: Float[np.ndarray, "n h w c"], setting: int
) -> tuple[Float[np.ndarray, "n h w c"], float]:
    """Images that went through one JPEG file, and the bits per pixel of that file."""
    from PIL import Image

    n, h, w, c = images.shape
    sheet = sprite_sheet(np.rint(images * 255).astype(np.uint8), JPEG_COLUMNS)
    file = jpeg_bytes(sheet, setting, halves_colour=True)
    pixels = np.asarray(Image.open(BytesIO(file))).reshape(sheet.shape)
    rows = sheet.shape[0] // h
    cells = pixels.reshape(rows, h, JPEG_COLUMNS, w, c).swapaxes(1, 2).reshape(-1, h, w, c)[:n]
    return cells.astype(np.float32) / 255, 8 * len(file) / (n * h * w)


def _rate_bits(means: np.ndarray, logvars: np.ndarray) -> float:
    kl = 0.5 * (np.square(means) + np.exp(logvars) - 1 - logvars)
    return float(kl.sum(axis=1, dtype=np.float64).mean() / math.log(2))


def _rounded_point(
    explorer: Explorer,
    images: np.ndarray,
    means: np.ndarray,
    labels: np.ndarray | None,
    step: float,
) -> CodecPoint:
    codes, bits = rounded_codes(means, step)
    per_pixel = float(bits.mean() / math.prod(images.shape[1:3]))
    return _point(step, per_pixel, image_quality(images, explorer.decode(codes, labels)))


def _jpeg_point(images: np.ndarray, setting: int) -> CodecPoint:
    copies, per_pixel = jpeg_copies(images, setting)
    return _point(setting, per_pixel, image_quality(images, copies))


def _point(setting: float, bits_per_pixel: float, found: ImageQuality) -> CodecPoint:
    return CodecPoint(setting, bits_per_pixel, found.psnr, found.ssim)
