"""A picture that a person brings: read once, kept small, and shown beside what was made of it.

It stays with the session, over all pages: of each place where one can be brought the last one,
as at most KEPT_SIDE pixels a side, so that a session cannot grow by uploading.
"""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import url_state
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from vae.charts.images import enlarge
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.data.stroke_style import Ink
    from vae.data.uploads import Upload

ENDINGS = ["png", "jpg", "jpeg", "bmp", "gif", "webp"]
MAX_MEGABYTES = 10
SIDE = 140
"""Pixels of the two pictures that are shown side by side."""


def choose_upload(name: str) -> "Upload | None":
    """The picture brought last to this place; None where there is none that can be read."""
    file = st.file_uploader(
        "A picture", ENDINGS, key=f"upload-{name}", max_upload_size=MAX_MEGABYTES
    )
    if file is not None:
        _read_once(name, file)
    _, found = st.session_state.get(_key(name), ("", None))
    if isinstance(found, DataError):
        show_error(found)
        return None
    return found


def choose_ink(name: str, ink: "Ink | None") -> bool:
    """Whether a picture has dark ink on light paper, which is to become a data set's like."""
    url_state.set_initial_value(f"invert-{name}", st.session_state.get(f"inverted-{name}", False))
    label, help_text = "Dark on light", "Turn ink on paper into white on black."
    if ink is not None:
        label = "Ink on paper"
        help_text = (
            "Take the paper away, however it is lit, and make its ink as thick and as large as the "
            "data set's, in the same place."
        )
    chosen = st.toggle(label, key=f"invert-{name}", help=help_text)
    st.session_state[f"inverted-{name}"] = chosen
    return chosen


def to_model_image(
    brought: "Upload", image_shape: tuple[int, int, int], is_inked: bool, ink: "Ink | None"
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The image (h, w, c) for a model, and what was done to it; DataError where no ink is."""
    from vae.data.photo_to_ink import ink_on_paper

    if is_inked and ink is not None:
        placed = "its ink taken off the paper, and made as thick and as large as the data set's"
        return ink_on_paper(brought.pixels, ink, image_shape[1]), (*brought.steps, placed)
    image, steps = brought.fitted(image_shape), brought.steps_to(image_shape)
    return (1 - image, (*steps, "light and dark exchanged")) if is_inked else (image, steps)


def show_conversion(brought: "Upload", image: np.ndarray, steps: tuple[str, ...]) -> None:
    """The picture as it came beside the image (h, w, c) made of it, and how, in words."""
    from vae.data.uploads import blank_reason

    pixels = enlarge(image, SIDE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        width = _width_within(brought.preview.shape)
        st.image(brought.preview, "as it came", width=width, alt="as it came")
        seen = "as the model sees it"
        st.image(pixels, seen, width=pixels.shape[1], alt=seen, output_format="PNG")
    st.caption(f"{escaped(brought.name, 40)}: {'; '.join(steps)}.")
    if fault := blank_reason(image):
        st.caption(f"This is **{fault}** to the model: try the switch above, or another picture.")


def _read_once(name: str, file) -> None:
    from vae.data.uploads import read_upload

    if st.session_state.get(_key(name), ("", None))[0] == file.file_id:
        return
    try:
        found: Upload | DataError = read_upload(file, file.name)
    except DataError as error:
        found = error
    st.session_state[_key(name)] = file.file_id, found


def _key(name: str) -> str:
    return f"brought-{name}"


def _width_within(shape: tuple[int, ...]) -> int:
    """How wide a picture is shown whose longer side is to have SIDE pixels."""
    height, width = shape[:2]
    return max(1, round(SIDE * width / max(height, width)))
