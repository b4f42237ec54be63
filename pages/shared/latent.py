"""The one latent position that all pages share, and the test image that it came from.

Each model has its own position; it stands in the link as ?z=…, so that a link opens the same view.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from vae.explorer import Explorer

LINK = "z"
WRITTEN = "latent-written"
LIMIT = 100.0


def follow_link(explorer: "Explorer") -> None:
    """Move to the link's position if a person changed it; else write the position into the link."""
    text = st.query_params.get(LINK)
    if text is not None and text != st.session_state.get(WRITTEN):
        code = _parse(text, explorer.latent_dim)
        if code is not None:
            _positions()[explorer.run.identity] = code
    _write(_positions().get(explorer.run.identity))


def leave_link() -> None:
    """Forget the link's position: it belongs to another model."""
    st.query_params.pop(LINK, None)


def position(explorer: "Explorer") -> np.ndarray:
    """The shared code (latent,): the one pinned last, else that of the shared test image."""
    kept = _positions().get(explorer.run.identity)
    if kept is None:
        return explorer.atlas.mean[image_index(explorer)].astype(np.float64)
    return np.array(kept, dtype=np.float64)


def move_to(explorer: "Explorer", z: "list[float] | np.ndarray") -> None:
    """Make a code the shared position; it stands in the link from then on."""
    code = [round(float(value), 4) for value in z]
    _positions()[explorer.run.identity] = code
    _write(code)


def start_from_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one and its posterior mean the shared position."""
    st.session_state["image-index"] = int(index)
    move_to(explorer, explorer.atlas.mean[int(index)])


def image_index(explorer: "Explorer") -> int:
    """The shared test image's place in the test split."""
    return min(int(st.session_state.get("image-index", 0)), len(explorer.atlas.label) - 1)


def _positions() -> dict[str, list[float]]:
    return st.session_state.setdefault("latent-positions", {})


def _write(code: list[float] | None) -> None:
    text = None if code is None else ",".join(f"{value:g}" for value in code)
    st.session_state[WRITTEN] = text
    if text is None:
        st.query_params.pop(LINK, None)
    elif st.query_params.get(LINK) != text:
        st.query_params[LINK] = text


def _parse(text: str, latent_dim: int) -> list[float] | None:
    try:
        code = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    usable = len(code) == latent_dim and bool(np.all(np.abs(code) <= LIMIT))
    return code if usable else None
