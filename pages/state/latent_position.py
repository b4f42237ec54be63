"""The one latent position that all pages share, and the test image that it came from.

Each model has its own position; it stands in the link as ?z=…, the test image as ?image=….
"""

from typing import TYPE_CHECKING

import numpy as np

from pages.state import url_state
from pages.state.reported import LIMIT
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from vae.explorer import Explorer

POSITION = "z"
IMAGE = "image"


def sync_with_link(explorer: "Explorer") -> None:
    """Move to the link's position where a person changed it; else write the position into it."""
    text = url_state.read(POSITION, explorer.run.identity)
    if text is not None and parse_code(text, explorer.latent_dim) is None:
        url_state.remove(POSITION, explorer.run.identity)


def position(explorer: "Explorer") -> np.ndarray:
    """The shared code (latent,): the one pinned last, else that of the shared test image."""
    text = url_state.read(POSITION, explorer.run.identity)
    code = None if text is None else parse_code(text, explorer.latent_dim)
    if code is None:
        return explorer.atlas.mean[image_index(explorer)].astype(np.float64)
    return np.array(code, dtype=np.float64)


def move_to(explorer: "Explorer", z: "list[float] | np.ndarray") -> None:
    """Make a code the shared position; it stands in the link from then on."""
    url_state.write(POSITION, code_text(z), explorer.run.identity)


def start_from_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one and its posterior mean the shared position."""
    share_image(explorer, index)
    move_to(explorer, explorer.atlas.mean[int(index)])


def share_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one, and leave the position where it is."""
    # Data sets narrowed to some classes have the test split of the whole.
    url_state.write(IMAGE, str(int(index)), base_name(explorer.run.train.dataset))


def shared_image(explorer: "Explorer") -> int | None:
    """The shared test image's place in the test split; None before one is chosen."""
    text = url_state.read(IMAGE, base_name(explorer.run.train.dataset))
    return parse_index(text, len(explorer.atlas.label))


def image_index(explorer: "Explorer") -> int:
    """The shared test image's place in the test split, or the first one's."""
    return shared_image(explorer) or 0


def code_text(z: "list[float] | np.ndarray") -> str:
    """A code as it stands in a link."""
    return ",".join(f"{round(float(value), 4):g}" for value in z)


def parse_code(text: str, latent_dim: int) -> list[float] | None:
    """The code that a link's text means; None where it means none."""
    try:
        code = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    usable = len(code) == latent_dim and bool(np.all(np.abs(code) <= LIMIT))
    return code if usable else None


def parse_index(text: str | None, count: int) -> int | None:
    """The place in the test split that a link's text means; None where it means none."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return int(text) if int(text) < count else None
