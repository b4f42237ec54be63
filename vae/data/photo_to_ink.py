"""Turns a photograph of ink on paper into an image like those of a handwriting data set.

Paper is never evenly lit, so the picture is divided by the light of the paper. The threshold of
Otsu (1979) then separates dark ink from paper. The strokes get the thickness, the size and the
place that the data set gives its ink (see `vae.data.stroke_style`).

Example:
    >>> image = ink_on_paper(upload.pixels, MNIST_INK, side=28)  # (28, 28, 1), white on black
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from vae.core.errors import DataError
from vae.data.stroke_style import Ink

WORKING_SIDE = 160
"""Side in pixels at which ink is searched for: a few pixels for each pixel of the result."""

PAPER_REACH = 0.25
"""Largest thickness of strokes, as a fraction of the side; thicker dark areas count as shade."""

LEAST_INK = 0.12
"""Smallest difference of ink from the paper, as a fraction of the paper's light."""

FIT_ROUNDS = 4
"""Rounds of fitting the illumination to the pixels that are paper."""

LEAST_PAPER = 0.05
"""Smallest light of the paper, as a fraction of the illumination."""

SPECK = 0.04
"""Spots with fewer pixels than this fraction of the largest spot's pixels are no ink."""

Darkness = Float[np.ndarray, "_ _"]


def ink_on_paper(
    pixels: UInt8[np.ndarray, "n n 3"], ink: Ink, side: int
) -> Float[np.ndarray, "{side} {side} 1"]:
    """Return white ink on black, in [0, 1], placed as `ink` says.

    `ink.box` must not be None. Raises DataError if the picture shows no ink.
    """
    darkness, is_ink = _find_ink(pixels)
    scale = _scale(is_ink, ink, side)
    strokes = _thickened(np.where(is_ink, darkness, 0), is_ink, ink.pen * side / scale)
    return _placed(strokes, ink, side)[..., None]


def _find_ink(pixels: UInt8[np.ndarray, "n n 3"]) -> tuple[Darkness, Bool[np.ndarray, "_ _"]]:
    """Return the darkness of each pixel, from 0 (paper) to 1 (ink), and which pixels are ink."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    grey = Image.fromarray(pixels).convert("L")
    light = np.asarray(grey.resize((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX), np.float32)
    even = light / np.maximum(_illumination(light), 1)
    reach = round(PAPER_REACH * WORKING_SIDE)
    closed = ndimage.grey_closing(ndimage.gaussian_filter(even, 1), reach)
    paper = ndimage.gaussian_filter(closed, reach / 4)
    shade = 1 - np.minimum(even / np.maximum(paper, LEAST_PAPER), 1)
    threshold = float(threshold_otsu(shade))
    is_ink = _without_specks(shade > max(threshold, LEAST_INK))
    if not is_ink.any():
        raise DataError(
            "the picture shows no dark ink on light paper; take another one, nearer and in more "
            "light, or switch “Ink on paper” off"
        )
    full = float(np.median(shade[is_ink]))
    return np.clip(shade / full, 0, 1), is_ink


def _illumination(light: Darkness) -> Darkness:
    """Return the light of the paper as a quadratic surface, fitted to pixels that are not ink."""
    y, x = np.indices(light.shape) / WORKING_SIDE - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    is_paper = np.ones(light.shape, bool)
    for _ in range(FIT_ROUNDS):
        surface = terms @ np.linalg.lstsq(terms[is_paper], light[is_paper], rcond=None)[0]
        is_paper = light > (1 - LEAST_INK) * surface
        if not is_paper.any():
            break
    return surface


def _without_specks(is_ink: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    from scipy import ndimage

    spots, count = ndimage.label(is_ink, np.ones((3, 3)))
    if count == 0:
        return is_ink
    sizes = np.bincount(spots.ravel())
    sizes[0] = 0
    return (sizes >= SPECK * sizes.max())[spots]


def _scale(is_ink: Bool[np.ndarray, "h w"], ink: Ink, side: int) -> float:
    """Return the result's pixels for one pixel of the picture, allowing for thicker strokes."""
    assert ink.box is not None
    longest = max(part.stop - part.start for part in _box(is_ink))
    pen = _stroke_width(is_ink)
    # Thickening changes the box of the strokes, but not the box of their middle lines.
    return (ink.box - ink.pen) * side / max(longest - pen, 1.0)


def _stroke_width(is_ink: Bool[np.ndarray, "h w"]) -> float:
    """Return the mean stroke width in pixels: four times the mean distance from the edges."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(is_ink, 1))
    return float(4 * depth[depth > 0].mean() - 2)


def _thickened(darkness: Darkness, is_ink: Bool[np.ndarray, "h w"], width: float) -> Darkness:
    """Return strokes of at least this width in pixels; the frame grows with them."""
    from scipy import ndimage
    from skimage.morphology import disk

    radius = max(0, round((width - _stroke_width(is_ink)) / 2))
    framed = np.pad(darkness, radius + 1)
    return ndimage.grey_dilation(framed, footprint=disk(radius)) if radius else framed


def _placed(strokes: Darkness, ink: Ink, side: int) -> Float[np.ndarray, "{side} {side}"]:
    """Return the strokes scaled to the box of `ink` and centred by whole pixels."""
    assert ink.box is not None
    part = strokes[_box(strokes > 0.5)]
    scale = round(ink.box * side) / max(part.shape)
    size = [max(1, round(scale * length)) for length in part.shape]
    small = np.asarray(Image.fromarray(part).resize(size[::-1], Image.Resampling.BOX))
    image = np.zeros((side, side), np.float32)
    rows, columns = size
    top, left = (_start(*each, side) for each in zip(size, _centre(small, ink), strict=True))
    image[top : top + rows, left : left + columns] = small
    return image


def _centre(small: Darkness, ink: Ink) -> tuple[float, float]:
    if ink.centre == "box":
        return small.shape[0] / 2, small.shape[1] / 2
    rows, columns = np.indices(small.shape) + 0.5
    return float((small * rows).sum() / small.sum()), float((small * columns).sum() / small.sum())


def _start(length: int, centre: float, side: int) -> int:
    """Return the first pixel of a part whose centre lies in the middle, but within the image."""
    return min(max(round(side / 2 - centre), 0), side - length)


def _box(is_ink: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    from scipy import ndimage

    return ndimage.find_objects(is_ink.astype(np.uint8))[0]
