"""Shares one latent position, and the test image that it came from, among all pages.

Each model has its own position. The address holds it as `?z=…`, and the test image as `?image=…`.
"""

from typing import TYPE_CHECKING

import numpy as np

from pages.state import url_state
from pages.state.reported_values import LIMIT
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from vae.explorer import Explorer

POSITION = "z"
IMAGE = "image"


def sync_with_link(explorer: "Explorer") -> None:
    """Take over the position in the address, or write the current one; drop one that is invalid."""
    text = url_state.read(POSITION, explorer.run.identity)
    if text is not None and parse_code(text, explorer.latent_dim) is None:
        url_state.remove(POSITION, explorer.run.identity)


def position(explorer: "Explorer") -> np.ndarray:
    """Return the shared code (latent,): the one pinned last, or else that of the test image."""
    text = url_state.read(POSITION, explorer.run.identity)
    code = None if text is None else parse_code(text, explorer.latent_dim)
    if code is None:
        return explorer.atlas.mean[image_index(explorer)].astype(np.float64)
    return np.array(code, dtype=np.float64)


def move_to(explorer: "Explorer", z: "list[float] | np.ndarray") -> None:
    """Make a code the shared position, and write it into the address."""
    url_state.write(POSITION, code_text(z), explorer.run.identity)


def start_from_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one, and its posterior mean the shared position."""
    share_image(explorer, index)
    move_to(explorer, explorer.atlas.mean[int(index)])


def share_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one, and leave the position where it is."""
    # A data set restricted to some classes has the test split of the whole data set.
    url_state.write(IMAGE, str(int(index)), base_name(explorer.run.train.dataset))


def shared_image(explorer: "Explorer") -> int | None:
    """Return the index of the shared test image in the test split; None before one is chosen."""
    text = url_state.read(IMAGE, base_name(explorer.run.train.dataset))
    return parse_index(text, len(explorer.atlas.label))


def image_index(explorer: "Explorer") -> int:
    """Return the index of the shared test image in the test split, or 0 before one is chosen."""
    return shared_image(explorer) or 0


def code_text(z: "list[float] | np.ndarray") -> str:
    """Return a code as text for the address, with four decimals."""
    return ",".join(f"{round(float(value), 4):g}" for value in z)


def parse_code(text: str, latent_dim: int) -> list[float] | None:
    """Return the code that a text stands for, or None if it stands for none."""
    try:
        code = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    usable = len(code) == latent_dim and bool(np.all(np.abs(code) <= LIMIT))
    return code if usable else None


def parse_index(text: str | None, count: int) -> int | None:
    """Return the index below `count` that a text stands for, or None if it stands for none."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return int(text) if int(text) < count else None
