"""Compares decoded images with the originals by PSNR and SSIM.

Example:
    found = image_quality(images, explorer.reconstruct(images))
    print(found.psnr, found.ssim)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.core.record import Record

SSIM_WINDOW = 7
"""Side of the windows that structural similarity compares, as in scikit-image."""


@dataclass(frozen=True)
class ImageQuality(Record):
    """PSNR and SSIM; higher values mean more similar images."""

    psnr: float
    """Peak signal-to-noise ratio of all images together, in dB: 10 log10(1 / mean square error)."""

    ssim: float
    """Structural similarity (Wang et al. 2004), at most 1; the mean over the images."""


def image_quality(
    images: Float[np.ndarray, "n h w c"], decoded: Float[np.ndarray, "n h w c"]
) -> ImageQuality:
    """Measures decoded images against the originals, pixels in [0, 1]."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    side = min(SSIM_WINDOW, *images.shape[1:3])
    settings = {"data_range": 1.0, "channel_axis": -1, "win_size": side - (side + 1) % 2}
    similar = [
        structural_similarity(a, b, **settings) for a, b in zip(images, decoded, strict=True)
    ]
    with np.errstate(divide="ignore"):  # equal images have an infinite PSNR
        psnr = peak_signal_noise_ratio(images, decoded, data_range=1.0)
    return ImageQuality(float(psnr), float(np.mean(similar)))
