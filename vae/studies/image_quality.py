"""How near decoded images are to the real ones, by the two usual measures."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.record import Record

Images = Float[np.ndarray, "n h w c"]

SSIM_WINDOW = 7
"""Side of the squares that structural similarity compares, as in scikit-image."""


@dataclass(frozen=True)
class Quality(Record):
    """The higher, the nearer."""

    psnr: float
    """Peak signal-to-noise ratio of all images together, in dB: 10 log10(1 / mean square error)."""

    ssim: float
    """Structural similarity (Wang et al. 2004), at most 1; the mean over the images."""


def quality(images: Images, decoded: Images) -> Quality:
    """Of decoded images against the real ones, pixels in [0, 1]."""
    error = np.square(images.astype(np.float64) - decoded).mean()
    psnr = -10 * np.log10(error) if error else np.inf
    return Quality(float(psnr), float(_similarity(images, decoded)))


def _similarity(images: Images, decoded: Images) -> np.floating:
    """The mean SSIM of all images, in a few filters instead of some for each image.

    With scikit-image's defaults: even windows, the covariances of samples, a border left out.
    """
    side = min(SSIM_WINDOW, *images.shape[1:3])
    side -= (side + 1) % 2
    x, y = images.astype(np.float64), decoded.astype(np.float64)
    mean_x, mean_y, xx, yy, xy = (_windows(part, side) for part in (x, y, x * x, y * y, x * y))
    unbiased = side**2 / (side**2 - 1)
    spread = unbiased * (xx - mean_x**2 + yy - mean_y**2) + 0.03**2
    shared = unbiased * (xy - mean_x * mean_y)
    level = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    return (level * (2 * shared + 0.03**2) / spread).mean()


def _windows(pixels: Images, side: int) -> Float[np.ndarray, "n _ _ c"]:
    """The mean of each window that lies within its image."""
    from scipy.ndimage import uniform_filter

    border = side // 2
    means = uniform_filter(pixels, (1, side, side, 1))
    height, width = pixels.shape[1:3]
    return means[:, border : height - border, border : width - border]
