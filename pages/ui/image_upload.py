"""Reads uploaded pictures, and shows each beside the image that the model sees.

The session keeps the last picture of each upload widget, for all pages. A kept picture has at most
`vae.data.uploads.KEPT_SIDE` pixels a side, so uploads cannot fill the memory of a session.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.server.access import note_if_read_only
from pages.state import url_state
from pages.ui import drawing
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from vae.charts.images import enlarge
from vae.core.errors import DataError

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from vae.data.stroke_style import Ink
    from vae.data.uploads import Upload
    from vae.explorer import Explorer

ENDINGS = ["png", "jpg", "jpeg", "bmp", "gif", "webp"]
MAX_MEGABYTES = 10
SIDE = 140
"""The longer side of the two pictures that are shown side by side, in pixels."""


@dataclass(frozen=True)
class UploadedImage:
    """An uploaded picture as the model takes it: (h, w, c), pixels in [0, 1]."""

    image: np.ndarray
    caption: str
    """The caption in Markdown."""


def upload_image(explorer: "Explorer", name: str) -> UploadedImage | None:
    """Show the upload widget `name` and return the picture as the model's image, not yet encoded.

    Returns None before there is a picture, and if it cannot be used, which the page then says.
    """
    if note_if_read_only("The upload of pictures"):
        return None
    ink = drawing.placing_ink(explorer)
    upload, is_inked = _choose_upload(name), _choose_ink(name, ink)
    if upload is None:
        return None
    try:
        image, steps = _to_model_image(upload, explorer.run.model.image_shape, is_inked, ink)
    except DataError as error:
        show_error(error)
        return None
    _show_conversion(upload, image, steps)
    return UploadedImage(image, escaped(upload.name, 40))


def _choose_upload(name: str) -> "Upload | None":
    """Show the upload widget; return its last picture, or None if there is no readable one."""
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


def _choose_ink(name: str, ink: "Ink | None") -> bool:
    """Show the switch for pictures of dark ink on light paper; return whether it is on.

    The widget forgets its value when people leave the page, so the session keeps a copy.
    """
    url_state.set_initial_value(f"invert-{name}", st.session_state.get(f"inverted-{name}", False))
    label, help_text = "Dark on light", "Turn ink on paper into white on black."
    if ink is not None:
        label = "Ink on paper"
        help_text = (
            "Remove the paper, even if it is lit unevenly. Give the ink the thickness, the size "
            "and the position that the data set has."
        )
    is_on = st.toggle(label, key=f"invert-{name}", help=help_text)
    st.session_state[f"inverted-{name}"] = is_on
    return is_on


def _to_model_image(
    upload: "Upload", image_shape: tuple[int, int, int], is_inked: bool, ink: "Ink | None"
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the image (h, w, c) for a model and the steps of its conversion.

    Raises DataError if a picture of ink on paper shows no ink.
    """
    from vae.data.photo_to_ink import ink_on_paper

    if is_inked and ink is not None:
        step = "its ink separated from the paper, and drawn in the style of the data set"
        return ink_on_paper(upload.pixels, ink, image_shape[1]), (*upload.steps, step)
    image, steps = upload.fitted(image_shape), upload.steps_to(image_shape)
    return (1 - image, (*steps, "inverted")) if is_inked else (image, steps)


def _show_conversion(upload: "Upload", image: np.ndarray, steps: tuple[str, ...]) -> None:
    """Show the picture beside the model's image (h, w, c), and name the steps between them."""
    from vae.data.uploads import blank_reason

    pixels = enlarge(image, SIDE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        width = _width_within(upload.preview.shape)
        st.image(upload.preview, "as uploaded", width=width, alt="as uploaded")
        seen = "as the model sees it"
        st.image(pixels, seen, width=pixels.shape[1], alt=seen, output_format="PNG")
    st.caption(f"{escaped(upload.name, 40)}: {'; '.join(steps)}.")
    if fault := blank_reason(image):
        st.caption(
            f"The model sees an image that is **{fault}**. Try the switch above or another picture."
        )


def _read_once(name: str, file: "UploadedFile") -> None:
    """Read a new file and keep its picture, or the error that it causes, in the session."""
    from vae.data.uploads import read_upload

    if st.session_state.get(_key(name), ("", None))[0] == file.file_id:
        return
    try:
        found: Upload | DataError = read_upload(file, file.name)
    except DataError as error:
        found = error
    st.session_state[_key(name)] = file.file_id, found


def _key(name: str) -> str:
    return f"picture-{name}"


def _width_within(shape: tuple[int, ...]) -> int:
    """Return the width at which a picture's longer side has SIDE pixels."""
    height, width = shape[:2]
    return max(1, round(SIDE * width / max(height, width)))
