"""Ink on paper, as a camera sees it, as an image that a data set of handwriting could have.

The paper is divided away, for it is never evenly lit; what remains dark is ink. Its strokes are
made as thick as the data set's, its box as large, and it is put where the data set puts its ink
(see `vae.data.stroke_style`). Ink is told from paper by the threshold of Otsu (1979).
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from vae.core.errors import DataError
from vae.data.stroke_style import Ink

WORKING_SIDE = 160
"""Pixels of the side on which ink is looked for: a few for each of the image's."""

PAPER_REACH = 0.25
"""Of the side: strokes that are thinner than this are told from shade."""

LEAST_INK = 0.12
"""How much darker than the paper something has to be, as a share of the paper's light."""

FIT_ROUNDS = 4
EVEN = 0.05
"""The least light of the paper, as a share of the lamp's."""

SPECK = 0.04
"""Spots with less than this share of the largest one's pixels are no ink."""

Darkness = Float[np.ndarray, "_ _"]


def ink_on_paper(
    pixels: UInt8[np.ndarray, "n n 3"], ink: Ink, side: int
) -> Float[np.ndarray, "{side} {side} 1"]:
    """White ink on black, in [0, 1], placed as `ink` says; DataError where there is none.

    `ink.box` is not None.
    """
    darkness, is_ink = _find(pixels)
    scale = _scale(is_ink, ink, side)
    strokes = _thickened(np.where(is_ink, darkness, 0), is_ink, ink.pen * side / scale)
    return _placed(strokes, ink, side)[..., None]


def _find(pixels: UInt8[np.ndarray, "n n 3"]) -> tuple[Darkness, Bool[np.ndarray, "_ _"]]:
    """How dark each pixel is, from paper to ink, in [0, 1]; and which are ink."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    grey = Image.fromarray(pixels).convert("L")
    light = np.asarray(grey.resize((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX), np.float32)
    even = light / np.maximum(_illumination(light), 1)
    reach = round(PAPER_REACH * WORKING_SIDE)
    closed = ndimage.grey_closing(ndimage.gaussian_filter(even, 1), reach)
    paper = ndimage.gaussian_filter(closed, reach / 4)
    shade = 1 - np.minimum(even / np.maximum(paper, EVEN), 1)
    threshold = float(threshold_otsu(shade))
    is_ink = _without_specks(shade > max(threshold, LEAST_INK))
    if not is_ink.any():
        raise DataError(
            "no dark ink on light paper is to be seen in the picture; take another one, nearer and "
            "in more light, or switch “Ink on paper” off"
        )
    full = float(np.median(shade[is_ink]))
    return np.clip(shade / full, 0, 1), is_ink


def _illumination(light: Darkness) -> Darkness:
    """How light the paper is over the whole picture, as a quadratic surface, whatever the ink."""
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
    """Pixels of the image for one of these, once the strokes are as thick as they will be."""
    assert ink.box is not None
    longest = max(part.stop - part.start for part in _box(is_ink))
    pen = _stroke_width(is_ink)
    # The box of the strokes' middle lines is what thickening leaves as it is.
    return (ink.box - ink.pen) * side / max(longest - pen, 1.0)


def _stroke_width(is_ink: Bool[np.ndarray, "h w"]) -> float:
    """The mean over the strokes: four times the mean distance from their edges."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(is_ink, 1))
    return float(4 * depth[depth > 0].mean() - 2)


def _thickened(darkness: Darkness, is_ink: Bool[np.ndarray, "h w"], width: float) -> Darkness:
    """Strokes of at least this width, in pixels; the frame grows as they do."""
    from scipy import ndimage
    from skimage.morphology import disk

    radius = max(0, round((width - _stroke_width(is_ink)) / 2))
    framed = np.pad(darkness, radius + 1)
    return ndimage.grey_dilation(framed, footprint=disk(radius)) if radius else framed


def _placed(strokes: Darkness, ink: Ink, side: int) -> Float[np.ndarray, "{side} {side}"]:
    """Scaled to the box of `ink`, and moved by whole pixels to where it is centred."""
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
    """Where a part begins whose centre is to be in the middle, within the image."""
    return min(max(round(side / 2 - centre), 0), side - length)


def _box(is_ink: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    from scipy import ndimage

    return ndimage.find_objects(is_ink.astype(np.uint8))[0]
