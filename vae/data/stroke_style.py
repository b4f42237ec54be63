"""How a drawing becomes an image as a data set has them: how thick its pen is, where its ink lies.

The browser does the drawing and the placing (`stroke_raster.js` of the viewer), live; this says
what it aims at. MNIST's digits were scaled, their aspect kept, to fit a box of 20x20 and moved by
whole pixels until their centre of mass was in the middle of 28x28 (LeCun et al. 1998): of its
10,000 test images 99.97 % are 20 pixels high or wide, and no centre of mass is further than half a
pixel off. scikit-learn's digits all fill their 8 pixels of height and are centred by their box.
"""

from dataclasses import dataclass
from typing import Literal

from vae.core.config import ModelConfig
from vae.core.dataset_name import base_name


@dataclass(frozen=True)
class Ink:
    """What a drawing's ink is made to look like; lengths are shares of the image's side."""

    pen: float
    """The pen's diameter in the image."""

    box: float | None = None
    """The longer side of the ink's box; None leaves the ink where and as large as it was drawn."""

    centre: Literal["mass", "box"] = "mass"
    """What of the ink is put in the middle, to a whole pixel, where it has a box."""

    invitation: str = "Draw here"
    """What an empty pad says."""


MNIST_INK = Ink(pen=2.4 / 28, box=20 / 28, invitation="Draw a digit here")
"""The pen with which MNIST's strokes have their median width of 2.4 pixels."""

DIGITS_INK = Ink(pen=1.65 / 8, box=1.0, centre="box", invitation="Draw a digit here")

PLAIN_INK = Ink(pen=2.4 / 28)
"""For images of other things, whose place and size tell something: they stay as they were drawn."""

BRUSH = Ink(pen=0.16, invitation="Paint a shape here")
"""As wide as the shapes of the sprites."""

_BY_DATASET = {"mnist": MNIST_INK, "digits": DIGITS_INK}


def ink_of(dataset: str, model: ModelConfig) -> Ink | str:
    """How to draw for a model of a data set, or one sentence on why that makes no sense."""
    channels, height, width = model.image_shape
    if model.kind == "vq":
        return "A code that is a grid of codebook entries has no place on the map."
    if channels != 1 or height != width:
        return "A drawing is white on black, and this model knows colour images alone."
    if dataset.startswith("sprites"):
        return BRUSH
    return _BY_DATASET.get(base_name(dataset), PLAIN_INK)
