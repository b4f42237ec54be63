"""Shows the picker of one end of an interpolation.

An end is a test image, the pinned position, a drawing or an uploaded picture. The address holds the
choice as `?a=…` or `?b=…`: the index of a test image, `pin`, `draw` or `upload`. Drawings and
uploaded pictures stay in the session, for all pages.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import open_gallery
from pages.ui import drawing
from pages.ui.image_upload import upload_image
from pages.ui.instruments import DrawingReport, live_draw
from vae.core.access import is_read_only

if TYPE_CHECKING:
    from vae.explorer import Explorer

SOURCES = {"image": "Test image", "pin": "Pinned position", "draw": "Drawing", "upload": "Upload"}
BOX = 320
"""The width of the box for an uploaded picture, in pixels."""

UNTIL = {"draw": "until something is drawn", "upload": "until a picture is chosen"}


@dataclass(frozen=True)
class Endpoint:
    """An image (h, w, c) with pixels in [0, 1] and its code (latent,)."""

    image: np.ndarray
    code: np.ndarray
    caption: str
    """Markdown."""


def choose_endpoint(explorer: "Explorer", name: str, label: int) -> Endpoint:
    """Show the widgets of one end and return it; `label` is the class of its first test image."""
    dataset = explorer.run.train.dataset
    kept = url_state.read(name.lower(), dataset)
    source = _choose_source(explorer, name, kept)
    if source == "image":
        index = _choose_image(explorer, name, label, kept)
        url_state.write(name.lower(), str(index), dataset)
        return _test_image(explorer, index)
    url_state.write(name.lower(), source, dataset)
    if source == "pin":
        code = latent_position.position(explorer)
        return Endpoint(explorer.decode(code[None])[0], code, "the pinned position")
    return _own_picture(explorer, name, source) or _test_image(
        explorer, _most_typical(explorer, label), f", {UNTIL[source]}"
    )


def _choose_source(explorer: "Explorer", name: str, kept: str | None) -> str:
    sources = [way for way in SOURCES if way != "draw" or drawing.can_draw(explorer)]
    key = f"endpoint-{name}"
    if st.session_state.get(key, "image") not in sources:
        st.session_state[key] = "image"
    url_state.set_initial_value(key, kept if kept in sources else "image", sources)
    return st.selectbox(
        name,
        sources,
        format_func=SOURCES.__getitem__,
        key=key,
        on_change=lambda: _open_uploader(name),
    )


def _open_uploader(name: str) -> None:
    """Open the box for a picture if the person has just chosen to upload one."""
    st.session_state[f"upload-box-{name}"] = st.session_state[f"endpoint-{name}"] == "upload"


def _test_image(explorer: "Explorer", index: int, remark: str = "") -> Endpoint:
    """Return a test image, or its reconstruction if the data set is absent."""
    gallery = open_gallery(explorer)
    described = f"test image {index}" if gallery.are_real else f"reconstruction {index}"
    image = gallery.images(np.array([index]))[0]
    return Endpoint(image, explorer.atlas.mean[index], described + remark)


def _most_typical(explorer: "Explorer", label: int) -> int:
    """Return the most typical test image of a class; the first one if there are no classes."""
    gallery = open_gallery(explorer)
    classes = gallery.classes()
    if not classes:
        return 0
    members = gallery.of_class(classes[min(label, len(classes) - 1)])
    return int(explorer.most_typical_first(members)[0])


def _own_picture(explorer: "Explorer", name: str, source: str) -> Endpoint | None:
    """Show the pad or the upload box; return the picture, or None before there is one."""
    if source == "draw":
        return _drawn_picture(explorer, name)
    if is_read_only():
        return _uploaded_picture(explorer, name)
    # The box opens over the page, so nothing on the page moves.
    box = st.popover(
        "Picture",
        icon=":material/upload:",
        width="stretch",
        key=f"upload-box-{name}",
        on_change="rerun",
    )
    with box.container(width=BOX):
        return _uploaded_picture(explorer, name)


def _drawn_picture(explorer: "Explorer", name: str) -> Endpoint | None:
    """Show a pad and return its drawing. End A shares its drawing with the Map."""
    kept = drawing.MAIN if name == "A" else name

    def keep(drawn: DrawingReport) -> None:
        drawing.keep(kept, explorer, drawn)

    live_draw(
        f"draw-{name}-{explorer.run.identity[:16]}",
        drawing.pad_spec(explorer),
        drawing.strokes(kept),
        is_known=drawing.drawn_image(kept, explorer) is not None,
        on_drawn=keep,
    )
    image = drawing.drawn_image(kept, explorer)
    if image is None:
        return None
    return Endpoint(image, explorer.encode(image[None])[0][0], "the drawing, as the model sees it")


def _choose_image(explorer: "Explorer", name: str, label: int, kept: str | None) -> int:
    """Show the pickers of a class and of its test images, most typical first; return the index."""
    gallery, scope = open_gallery(explorer), f"{name}-{explorer.run.identity}"
    classes, labels = gallery.classes(), gallery.labels
    index = latent_position.parse_index(kept, len(labels))
    left, right = st.columns(2)
    members = np.arange(len(labels))
    if classes:
        first = classes[min(label, len(classes) - 1)] if index is None else int(labels[index])
        url_state.set_initial_value(f"class-{scope}", first, classes)
        class_index = left.selectbox(
            "Class", classes, format_func=gallery.class_names.__getitem__, key=f"class-{scope}"
        )
        members = explorer.most_typical_first(gallery.of_class(class_index))
        scope = f"{scope}-{class_index}"
    if index is not None and index in members:
        url_state.set_initial_value(f"which-{scope}", int(np.flatnonzero(members == index)[0]) + 1)
    rank = right.number_input(
        "Which",
        1,
        len(members),
        key=f"which-{scope}",
        help="1 is the most typical image of its class: its code is nearest to the mean code.",
    )
    return int(members[int(rank) - 1])


def _uploaded_picture(explorer: "Explorer", name: str) -> Endpoint | None:
    found = upload_image(explorer, name)
    if found is None:
        return None
    return Endpoint(found.image, explorer.encode(found.image[None])[0][0], found.caption)
