"""The one latent position that all pages share, and the test image that it came from."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from vae.explorer import Explorer

LINK = "z"
LIMIT = 100.0


def position(explorer: "Explorer") -> np.ndarray:
    """The shared code (latent,): the one pinned before, else the link's, else an image's."""
    kept = _positions().get(explorer.run.identity)
    if kept is None:
        kept = _from_link(explorer.latent_dim)
    if kept is None:
        kept = explorer.atlas.mean[image_index(explorer)].astype(float).tolist()
    return np.array(kept, dtype=np.float64)


def move_to(explorer: "Explorer", z: "list[float] | np.ndarray") -> None:
    """Make a code the shared position; it stands in the link from then on."""
    code = [round(float(value), 4) for value in z]
    _positions()[explorer.run.identity] = code
    st.query_params[LINK] = ",".join(f"{value:g}" for value in code)


def start_from_image(explorer: "Explorer", index: int) -> None:
    """Make a test image the shared one and its posterior mean the shared position."""
    st.session_state["image-index"] = int(index)
    move_to(explorer, explorer.atlas.mean[int(index)])


def image_index(explorer: "Explorer") -> int:
    """The shared test image's place in the test split."""
    return min(int(st.session_state.get("image-index", 0)), len(explorer.atlas.label) - 1)


def _positions() -> dict[str, list[float]]:
    return st.session_state.setdefault("latent-positions", {})


def _from_link(latent_dim: int) -> list[float] | None:
    try:
        code = [float(part) for part in st.query_params.get(LINK, "").split(",")]
    except ValueError:
        return None
    usable = len(code) == latent_dim and bool(np.all(np.abs(code) <= LIMIT))
    return code if usable else None
