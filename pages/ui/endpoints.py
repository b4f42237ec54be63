"""One end of an interpolation: a test image, the pinned place, a drawing or an uploaded picture.

What is chosen stands in the link, as ?a=… and ?b=…: a test image's place, `pin`, `draw` or
`upload`. A drawing and an uploaded picture themselves stay with the session, over all pages.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.server.access import note_if_read_only
from pages.state import latent_position, url_state
from pages.state.models import open_gallery
from pages.ui import drawing
from pages.ui.image_upload import choose_ink, choose_upload, show_conversion, to_model_image
from pages.ui.instruments import DrawingReport, live_draw
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from vae.core.access import is_read_only
from vae.core.errors import DataError

if TYPE_CHECKING:
    from vae.explorer import Explorer

SOURCES = {"image": "Test image", "pin": "Pinned place", "draw": "Drawing", "upload": "Upload"}


BOX = 320
"""Pixels that the box of an uploaded picture is wide."""
UNTIL = {"draw": "until something is drawn", "upload": "until a picture is chosen"}


@dataclass(frozen=True)
class Endpoint:
    """An image (h, w, c) with pixels in [0, 1] and its code (latent,)."""

    image: np.ndarray
    code: np.ndarray
    caption: str
    """Markdown."""


def choose_endpoint(explorer: "Explorer", name: str, label: int) -> Endpoint:
    """The widgets for one end; `label` is the class that it starts with."""
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
        return Endpoint(explorer.decode(code[None])[0], code, "the pinned place")
    own = _own_picture(explorer, name, source)
    if own is not None:
        return own
    return _test_image(explorer, _most_typical(explorer, label), f", {UNTIL[source]}")


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
    """Whoever has just said that a picture is to be brought need not ask for its box as well."""
    st.session_state[f"bring-{name}"] = st.session_state[f"endpoint-{name}"] == "upload"


def _test_image(explorer: "Explorer", index: int, remark: str = "") -> Endpoint:
    gallery = open_gallery(explorer)
    described = f"test image {index}" if gallery.are_real else f"reconstruction {index}"
    image = gallery.images(np.array([index]))[0]
    return Endpoint(image, explorer.atlas.mean[index], described + remark)


def _most_typical(explorer: "Explorer", label: int) -> int:
    """The test image that a class begins with; the first of all where there are no classes."""
    gallery = open_gallery(explorer)
    classes = gallery.classes()
    if not classes:
        return 0
    chosen = classes[min(label, len(classes) - 1)]
    return int(explorer.most_typical_first(gallery.of_class(chosen))[0])


def _own_picture(explorer: "Explorer", name: str, source: str) -> Endpoint | None:
    """What a person brings or draws; None until there is something."""
    if source == "draw":
        return _drawn_picture(explorer, name)
    if is_read_only():
        return uploaded_picture(explorer, name)
    # The box opens over the page, so that nothing moves for it.
    box = st.popover(
        "Picture", icon=":material/upload:", width="stretch", key=f"bring-{name}", on_change="rerun"
    )
    with box.container(width=BOX):
        return uploaded_picture(explorer, name)


def _drawn_picture(explorer: "Explorer", name: str) -> Endpoint | None:
    """A pad: A's drawing is the Map's, B has one of its own."""
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
    """A test image by its class and its place among them, the most typical one first."""
    gallery, scope = open_gallery(explorer), f"{name}-{explorer.run.identity}"
    classes, labels = gallery.classes(), gallery.labels
    index = latent_position.parse_index(kept, len(labels))
    left, right = st.columns(2)
    members = np.arange(len(labels))
    if classes:
        begin = classes[min(label, len(classes) - 1)] if index is None else int(labels[index])
        url_state.set_initial_value(f"class-{scope}", begin, classes)
        chosen = left.selectbox(
            "Class", classes, format_func=gallery.class_names.__getitem__, key=f"class-{scope}"
        )
        members = explorer.most_typical_first(gallery.of_class(chosen))
        scope = f"{scope}-{chosen}"
    if index is not None and index in members:
        url_state.set_initial_value(f"which-{scope}", int(np.flatnonzero(members == index)[0]) + 1)
    place = right.number_input(
        "Which",
        1,
        len(members),
        key=f"which-{scope}",
        help="1 is the most typical of its class: its code is nearest to the class's mean.",
    )
    return int(members[int(place) - 1])


def uploaded_picture(explorer: "Explorer", name: str) -> Endpoint | None:
    """An uploaded picture and its code; None until there is one."""
    found = uploaded_image(explorer, name)
    if found is None:
        return None
    return Endpoint(found.image, explorer.encode(found.image[None])[0][0], found.caption)


@dataclass(frozen=True)
class UploadedImage:
    """An uploaded picture as the model takes it: (h, w, c), pixels in [0, 1]."""

    image: np.ndarray
    caption: str
    """Markdown."""


def uploaded_image(explorer: "Explorer", name: str) -> UploadedImage | None:
    """Asks for a picture and converts it; None until there is one. It is not encoded here."""
    if note_if_read_only("Bringing pictures"):
        return None
    ink = drawing.placing_ink(explorer)
    brought, is_inked = choose_upload(name), choose_ink(name, ink)
    if brought is None:
        return None
    try:
        image, steps = to_model_image(brought, explorer.run.model.image_shape, is_inked, ink)
    except DataError as error:
        show_error(error)
        return None
    show_conversion(brought, image, steps)
    return UploadedImage(image, escaped(brought.name, 40))
