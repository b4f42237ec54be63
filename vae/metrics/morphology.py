"""What can be measured on a picture of ink: how thick, how slanted, how high, how wide, how much.

Ink is what is bright: a pixel's mean over its channels, 0 to 1; outside the picture there is none.
Every measure takes grey pixels as they are, without a threshold, so that it changes smoothly with
a decoded picture; a picture without any ink has none (NaN).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "n h w c"]
Values = Float[np.ndarray, "n"]


@dataclass(frozen=True)
class Attribute:
    """One measure of pictures."""

    title: str
    unit: str
    high: str
    """What a picture with much of it is."""

    low: str
    formula: str
    """As Markdown, I a pixel's ink at column x and row y, counted downwards."""

    measure: Callable[[Images], Values]


def thickness(images: Images) -> Values:
    """Mean width of the strokes, in pixels: twice the area over the perimeter.

    A stroke of width w and length L has area wL and, but for its ends, perimeter 2L. Of grey
    pixels the area is their sum and the perimeter their total variation (Rudin, Osher and Fatemi
    1992): by the coarea formula those are area and perimeter at every threshold, averaged.
    """
    ink = np.pad(_ink(images), ((0, 0), (1, 1), (1, 1)))
    across = np.diff(ink, axis=2)[:, :-1]
    down = np.diff(ink, axis=1)[:, :, :-1]
    return _ratio(2 * ink.sum(axis=(1, 2)), np.hypot(across, down).sum(axis=(1, 2)))


def slant(images: Images) -> Values:
    """Lean to the right, in degrees: the angle of the shear that would set the ink upright.

    The shear x + s y that makes the second central moment of columns and rows vanish, as in the
    deskewing of LeCun et al. (1998) and Morpho-MNIST (Castro et al. 2019).
    """
    moments = _Moments.of(images)
    # Rows are counted downwards: what leans to the right has a negative mixed moment.
    return np.degrees(np.arctan(_ratio(-moments.mixed, moments.rows)))


def height(images: Images) -> Values:
    """Height, in pixels, of the evenly inked bar with as much spread of rows."""
    return np.sqrt(12 * _Moments.of(images).rows + 1)


def width(images: Images) -> Values:
    """Width, in pixels, of the evenly inked bar with as much spread of columns."""
    return np.sqrt(12 * _Moments.of(images).columns + 1)


def amount(images: Images) -> Values:
    """Mean brightness of a picture, in percent of the whole scale."""
    return 100 * _ink(images).mean(axis=(1, 2))


ATTRIBUTES = {
    "thickness": Attribute(
        "Thickness",
        "pixels",
        "thick",
        "thin",
        r"$2\sum I\,/\sum|\nabla I|$: twice the area over the perimeter, over all thresholds",
        thickness,
    ),
    "slant": Attribute(
        "Slant",
        "degrees",
        "right-leaning",
        "left-leaning",
        r"$\arctan(-\mu_{xy}/\mu_{yy})$, the shear that sets the picture upright; $\mu$ are the "
        "ink's second central moments",
        slant,
    ),
    "height": Attribute(
        "Height",
        "pixels",
        "high",
        "low",
        r"$\sqrt{12\,\mu_{yy}+1}$, a bar with as much spread",
        height,
    ),
    "width": Attribute(
        "Width",
        "pixels",
        "wide",
        "narrow",
        r"$\sqrt{12\,\mu_{xx}+1}$, a bar with as much spread",
        width,
    ),
    "ink": Attribute(
        "Ink", "% of full", "bright", "dark", r"$100\,\overline{I}$, the mean brightness", amount
    ),
}
"""By name."""


@dataclass(frozen=True)
class _Moments:
    """Second central moments of where the ink is, in pixels squared."""

    columns: Values
    rows: Values
    mixed: Values

    @classmethod
    def of(cls, images: Images) -> "_Moments":
        ink = _ink(images)
        total = ink.sum(axis=(1, 2))
        y, x = (np.arange(side, dtype=np.float64) for side in ink.shape[1:])
        by_row, by_column = ink.sum(axis=2), ink.sum(axis=1)
        down = y - _ratio(by_row @ y, total)[:, None]
        across = x - _ratio(by_column @ x, total)[:, None]
        return cls(
            _ratio((by_column * across**2).sum(axis=1), total),
            _ratio((by_row * down**2).sum(axis=1), total),
            _ratio(np.einsum("nyx,ny,nx->n", ink, down, across, optimize=True), total),
        )


def _ink(images: Images) -> Float[np.ndarray, "n h w"]:
    return images.mean(axis=3, dtype=np.float64)


def _ratio(above: Values, below: Values) -> Values:
    """NaN where there is nothing below."""
    empty = below <= 1e-9
    return np.where(empty, np.nan, above / np.where(empty, 1.0, below))
