"""Keeps the drawings of a session for all pages, and returns them as a model's image.

A drawing is a list of strokes. The browser turns the strokes into a model's image
(`stroke_raster.js`) and sends it, once for each image size. The Map and end A of an interpolation
share one drawing.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.state.reported_values import is_code
from vae.data.stroke_style import Ink, ink_of

if TYPE_CHECKING:
    from pages.ui.instruments import NoPad, PadSpec
    from vae.explorer import Explorer

MAIN = "main"
"""The name of the drawing that the Map and end A share."""

PAD_UNITS = 10_000
"""The side of the pad, in the units of a stroke's coordinates."""

MAX_NUMBERS = 12_000
"""The most numbers in all strokes together; a pad takes 4,000 points."""

Strokes = Sequence[Sequence[int]]


def pad_or_reason(explorer: "Explorer", encoder: str) -> "PadSpec | NoPad":
    """Return the pad for a model and its mounted encoder, or the reason why there is none."""
    ink = _ink(explorer)
    return {"reason": ink} if isinstance(ink, str) else {**pad_spec(explorer), "encoder": encoder}


def pad_spec(explorer: "Explorer") -> "PadSpec":
    """Return the pad for a model that has one; see `can_draw`."""
    ink = _ink(explorer)
    assert isinstance(ink, Ink), ink
    return {"ink": asdict(ink), "shape": list(explorer.run.model.image_shape)}


def can_draw(explorer: "Explorer") -> bool:
    """Return whether people can draw for a model."""
    return isinstance(_ink(explorer), Ink)


def strokes(name: str) -> Strokes:
    """Return the strokes of a drawing; none before somebody draws."""
    return _kept(name).get("strokes", [])


def placing_ink(explorer: "Explorer") -> Ink | None:
    """Return how a model's data set places its ink, or None if it has no fixed place."""
    ink = _ink(explorer)
    return ink if isinstance(ink, Ink) and ink.box is not None else None


def drawn_image(name: str, explorer: "Explorer") -> np.ndarray | None:
    """Return a drawing as a model's image (h, w, 1); None before the browser has sent it."""
    pixels = _kept(name).get(_size(explorer))
    return None if pixels is None else np.array(pixels, dtype=np.float32)[..., None] / 255


def keep(name: str, explorer: "Explorer", drawn: object) -> bool:
    """Check and keep a drawing that a browser sent; return whether it was valid.

    The images of the same strokes at other sizes are kept too.
    """
    lines = _read_strokes(drawn)
    pixels = _read_pixels(drawn, explorer.run.model.image_shape[1])
    if lines is None or pixels is None:
        return False
    before = _kept(name) if strokes(name) == lines else {}
    known = {_size(explorer): pixels} if lines else {}
    st.session_state[_key(name)] = before | {"strokes": lines} | known
    return True


def read_code(drawn: object, latent_dim: int) -> list[float] | None:
    """Return the code of a drawing that a browser sent, or None if it sent no valid one."""
    code = drawn.get("z") if isinstance(drawn, dict) else None
    if not isinstance(code, list) or not is_code(code, latent_dim):
        return None
    return [float(x) for x in code]


def _ink(explorer: "Explorer") -> Ink | str:
    return ink_of(explorer.run.train.dataset, explorer.run.model)


def _size(explorer: "Explorer") -> str:
    """Return the key of a drawing's image, which models of the same data and image size share."""
    return f"{explorer.run.model.image_shape} {_ink(explorer)}"


def _key(name: str) -> str:
    return f"drawing-{name}"


def _kept(name: str) -> dict[str, Any]:
    return st.session_state.get(_key(name), {})


def _read_strokes(drawn: object) -> list[list[int]] | None:
    lines = drawn.get("strokes") if isinstance(drawn, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, list) for line in lines):
        return None
    if sum(len(line) + 1 for line in lines) > MAX_NUMBERS:
        return None
    usable = all(line and len(line) % 2 == 0 and _are_whole(line, PAD_UNITS) for line in lines)
    return lines if usable else None


def _read_pixels(drawn: object, side: int) -> np.ndarray | None:
    """Return the image (side, side) of bytes, black for an empty drawing; None if it is invalid."""
    pixels = drawn.get("pixels") if isinstance(drawn, dict) else None
    if pixels == []:
        return np.zeros((side, side), np.uint8)
    if not isinstance(pixels, list) or len(pixels) != side * side or not _are_whole(pixels, 255):
        return None
    return np.array(pixels, dtype=np.uint8).reshape(side, side)


def _are_whole(numbers: list[Any], highest: int) -> bool:
    return all(type(x) is int and 0 <= x <= highest for x in numbers)
