"""The pen width and the placing that make a drawing look like the images of a data set.

The browser draws and places the strokes live (`stroke_raster.js` of the viewer), with the values of
this file. MNIST's digits were scaled to fit a box of 20x20 pixels, with their aspect kept. They
were moved by whole pixels until their centre of mass was in the middle of 28x28 pixels (LeCun et
al. 1998). Of the 10,000 test images 99.97 % are 20 pixels high or wide, and no centre of mass is
further than half a pixel off. scikit-learn's digits all fill their 8 pixels of height, and their
box is centred.

Example:
    >>> ink_of("mnist", ModelConfig((1, 28, 28))).invitation
    'Draw a digit here'
"""

from dataclasses import dataclass
from typing import Literal

from vae.core.config import ModelConfig
from vae.core.dataset_name import base_name


@dataclass(frozen=True)
class Ink:
    """The look of a drawing's ink; lengths are fractions of the image's side."""

    pen: float
    """The pen's diameter in the image."""

    box: float | None = None
    """The longer side of the ink's box; None leaves the ink where and as large as it was drawn."""

    centre: Literal["mass", "box"] = "mass"
    """The point that is moved to the middle, to a whole pixel: the centre of mass or of the box."""

    invitation: str = "Draw here"
    """The text on an empty drawing pad."""


MNIST_INK = Ink(pen=2.4 / 28, box=20 / 28, invitation="Draw a digit here")
"""MNIST's strokes have a median width of 2.4 pixels."""

DIGITS_INK = Ink(pen=1.65 / 8, box=1.0, centre="box", invitation="Draw a digit here")

PLAIN_INK = Ink(pen=2.4 / 28)
"""Ink of other data sets: place and size carry meaning, so they stay as they were drawn."""

BRUSH = Ink(pen=0.16, invitation="Paint a shape here")
"""A brush as wide as the shapes of the sprites."""

_BY_DATASET = {"mnist": MNIST_INK, "digits": DIGITS_INK}


def ink_of(dataset: str, model: ModelConfig) -> Ink | str:
    """Return the ink for a model's drawings, or one sentence that says why drawing is impossible.

    The sentence is shown on a page.
    """
    channels, height, width = model.image_shape
    if model.kind == "vq":
        return "A code that is a grid of codebook entries has no place on the map."
    if channels != 1 or height != width:
        return "A drawing is white on black, but this model has learned only colour images."
    if dataset.startswith("sprites"):
        return BRUSH
    return _BY_DATASET.get(base_name(dataset), PLAIN_INK)
