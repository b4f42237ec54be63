"""Measures the ink of images: its thickness, slant, height, width and amount.

Ink is brightness: the mean of a pixel over its channels, 0 to 1; outside the image it is 0. Every
measure uses grey pixels without a threshold, so it changes smoothly with a decoded image. An image
without ink measures NaN.

Example:
    degrees = ATTRIBUTES["slant"].measure(images)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "n h w c"]
Values = Float[np.ndarray, "n"]


@dataclass(frozen=True)
class Attribute:
    """One measure of images."""

    title: str
    unit: str
    high: str
    """The word for an image with a high value; `low` is its opposite."""

    low: str
    formula: str
    """The formula in Markdown; I is the ink at column x and row y, counted downwards."""

    measure: Callable[[Images], Values]


def thickness(images: Images) -> Values:
    """Returns the mean width of the strokes in pixels: twice the area over the perimeter.

    A stroke of width w and length L has area wL and, without its ends, perimeter 2L. For grey
    pixels the area is their sum and the perimeter is their total variation (Rudin, Osher and Fatemi
    1992).
    By the coarea formula these are the area and the perimeter averaged over all thresholds.
    """
    ink = np.pad(_ink(images), ((0, 0), (1, 1), (1, 1)))
    across = np.diff(ink, axis=2)[:, :-1]
    down = np.diff(ink, axis=1)[:, :, :-1]
    return _ratio(2 * ink.sum(axis=(1, 2)), np.hypot(across, down).sum(axis=(1, 2)))


def slant(images: Images) -> Values:
    """Returns the lean to the right in degrees: the angle of the shear that sets the ink upright.

    The shear x + s y makes the mixed second central moment vanish, as in the deskewing of LeCun et
    al. (1998) and in Morpho-MNIST (Castro et al. 2019).
    """
    moments = _Moments.of(images)
    # Rows count downwards, so ink that leans to the right has a negative mixed moment.
    return np.degrees(np.arctan(_ratio(-moments.mixed, moments.rows)))


def height(images: Images) -> Values:
    """Returns the height in pixels of the uniform bar with the same variance of rows."""
    return np.sqrt(12 * _Moments.of(images).rows + 1)


def width(images: Images) -> Values:
    """Returns the width in pixels of the uniform bar with the same variance of columns."""
    return np.sqrt(12 * _Moments.of(images).columns + 1)


def amount(images: Images) -> Values:
    """Returns the mean brightness of an image, in percent of full brightness."""
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
"""The attributes by name."""


@dataclass(frozen=True)
class _Moments:
    """Second central moments of the ink's position, in pixels squared."""

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
    """Returns above / below, or NaN where `below` is 0."""
    empty = below <= 1e-9
    return np.where(empty, np.nan, above / np.where(empty, 1.0, below))
