"""Measures a model as an image codec: the quality of its images at different bit rates.

A code is rounded to multiples of a step. Each rounded number costs -log2 of the probability of its
interval under the standard normal prior, which an arithmetic coder reaches to a fraction of a
percent. Balle et al. ("End-to-end Optimized Image Compression", 2017) do the same with a learned
prior. JPEG is measured on the same images for comparison.

Example:
    >>> explorer = Explorer.open("checkpoints/cifar10-jpeg-compressor")
    >>> found = measure_compression(explorer, images)
    >>> [(point.bits_per_pixel, point.psnr) for point in found.rounded]
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.elbo_arrays import gaussian_rate
from vae.charts.images import jpeg_bytes, sprite_sheet
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import ImageQuality, image_quality

STEPS = (0.125, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Steps that codes are rounded to, in units of the prior's standard deviation."""

JPEG_QUALITIES = (5, 10, 20, 35, 50, 70, 85)
JPEG_COLUMNS = 16
JPEG_IMAGES = JPEG_COLUMNS**2
"""Number of images in one JPEG file, which share its header: it is larger than a small image."""

Images = Float[np.ndarray, "n h w c"]


@dataclass(frozen=True)
class CodecPoint(Record):
    """The bit rate and the quality of a codec at one setting."""

    setting: float
    """The step of the codes, or JPEG's quality."""

    bits_per_pixel: float
    psnr: float
    """Peak signal-to-noise ratio of all images together, in dB."""

    ssim: float
    """Structural similarity, averaged over the images."""


@dataclass(frozen=True)
class Compression(Record):
    """A model as a codec; the values are means over test images."""

    numbers_in: int
    """Numbers in an image: pixels times channels."""

    numbers_out: int
    """Numbers in its code."""

    latent_shape: tuple[int, ...]
    """Channels, height and width of a spatial code, or the length of another code."""

    rate_bits: float
    """KL(q(z|x) || p(z)) / ln 2: bits of a code that is sampled instead of rounded."""

    psnr: float
    """Quality of the decoded posterior mean, in dB."""

    ssim: float
    """Structural similarity of the same images, at most 1."""

    rounded: tuple[CodecPoint, ...]
    """Results for codes rounded to steps, from fine to coarse."""

    jpeg: tuple[CodecPoint, ...]
    """Results for JPEG files of the same images, from low to high quality."""

    count: int
    """Number of test images."""

    @property
    def ratio(self) -> float:
        """The numbers in an image divided by the numbers in its code."""
        return self.numbers_in / self.numbers_out


def rounded_codes(
    codes: Float[np.ndarray, "n latent"], step: float
) -> tuple[Float[np.ndarray, "n latent"], Float[np.ndarray, "n"]]:
    """Round codes to multiples of a step; returns them and the bits of each under the prior."""
    from scipy.stats import norm

    multiples = np.rint(codes.astype(np.float64) / step)
    # Both limits are mirrored into the upper tail, where sf() keeps its precision.
    inner, outer = (np.abs(multiples) - 0.5) * step, (np.abs(multiples) + 0.5) * step
    bits = -np.log2(np.maximum(norm.sf(inner) - norm.sf(outer), np.finfo(float).tiny))
    return (multiples * step).astype(np.float32), bits.sum(axis=1)


def measure_compression(
    explorer: Explorer,
    images: Images,
    labels: Int[np.ndarray, "n"] | None = None,
    steps: Sequence[float] = STEPS,
) -> Compression:
    """Encode images, round their codes, decode them and compare; measure JPEG as well.

    Raises ConfigError for a model without a Gaussian prior.
    """
    run = explorer.run
    if not run.model.is_gaussian:
        raise ConfigError(f"the codes of {run.name} have no Gaussian prior; choose a VAE")
    means, logvars = explorer.encode(images, labels)
    unrounded = image_quality(images, explorer.decode(means, labels))
    rate = gaussian_rate(means.astype(np.float64), logvars.astype(np.float64)).mean()
    return Compression(
        numbers_in=math.prod(images.shape[1:]),
        numbers_out=explorer.latent_dim,
        latent_shape=run.model.latent_shape,
        rate_bits=float(rate / math.log(2)),
        psnr=unrounded.psnr,
        ssim=unrounded.ssim,
        rounded=tuple(_rounded_point(explorer, images, means, labels, step) for step in steps),
        jpeg=tuple(_jpeg_point(images[:JPEG_IMAGES], setting) for setting in JPEG_QUALITIES),
        count=len(images),
    )


def jpeg_copies(images: Images, setting: int) -> tuple[Images, float]:
    """Compress images in one JPEG file; returns the decoded images and the bits per pixel."""
    from PIL import Image

    n, h, w, c = images.shape
    sheet = sprite_sheet(np.rint(images * 255).astype(np.uint8), JPEG_COLUMNS)
    file = jpeg_bytes(sheet, setting, halves_colour=True)
    pixels = np.asarray(Image.open(BytesIO(file))).reshape(sheet.shape)
    rows = sheet.shape[0] // h
    cells = pixels.reshape(rows, h, JPEG_COLUMNS, w, c).swapaxes(1, 2).reshape(-1, h, w, c)[:n]
    return cells.astype(np.float32) / 255, 8 * len(file) / (n * h * w)


def _rounded_point(
    explorer: Explorer,
    images: Images,
    means: Float[np.ndarray, "n latent"],
    labels: Int[np.ndarray, "n"] | None,
    step: float,
) -> CodecPoint:
    codes, bits = rounded_codes(means, step)
    per_pixel = float(bits.mean() / math.prod(images.shape[1:3]))
    return _point(step, per_pixel, image_quality(images, explorer.decode(codes, labels)))


def _jpeg_point(images: Images, setting: int) -> CodecPoint:
    copies, per_pixel = jpeg_copies(images, setting)
    return _point(setting, per_pixel, image_quality(images, copies))


def _point(setting: float, bits_per_pixel: float, quality: ImageQuality) -> CodecPoint:
    return CodecPoint(setting, bits_per_pixel, quality.psnr, quality.ssim)
