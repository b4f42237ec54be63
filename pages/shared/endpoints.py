"""One end of an interpolation: a test image, the pinned place, or an uploaded picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared import latent
from pages.shared.frame import show_error
from pages.shared.models import open_gallery

if TYPE_CHECKING:
    from vae.explorer import Explorer

SOURCES = ("Test image", "Pinned place", "Upload")
MAX_UPLOAD_MB = 10


@dataclass(frozen=True)
class Endpoint:
    """An image (h, w, c) with pixels in [0, 1] and its code (latent,)."""

    image: np.ndarray
    code: np.ndarray
    caption: str


def choose_endpoint(explorer: "Explorer", name: str, label: int) -> Endpoint:
    """The widgets for one end; `label` is the class that it starts with."""
    source = st.selectbox(name, SOURCES, key=f"endpoint-{name}")
    if source == "Upload":
        uploaded = _uploaded(explorer, name)
        if uploaded is not None:
            return uploaded
    if source == "Pinned place":
        code = latent.position(explorer)
        return Endpoint(explorer.decode(code[None])[0], code, "the pinned place")
    return _test_image(explorer, name, label)


def _test_image(explorer: "Explorer", name: str, label: int) -> Endpoint:
    gallery = open_gallery(explorer)
    classes = gallery.classes()
    left, right = st.columns(2)
    members = np.arange(len(gallery.labels))
    if classes:
        chosen = left.selectbox(
            "Class",
            classes,
            index=min(label, len(classes) - 1),
            format_func=gallery.class_names.__getitem__,
            key=f"class-{name}-{explorer.run.train.dataset}",
        )
        members = explorer.most_typical_first(gallery.of_class(chosen))
    place = right.number_input(
        "Which",
        1,
        len(members),
        key=f"which-{name}-{explorer.run.train.dataset}-{chosen if classes else 0}",
        help="1 is the most typical of its class: its code is nearest to the class's mean.",
    )
    index = int(members[int(place) - 1])
    described = f"test image {index}" if gallery.are_real else f"reconstruction {index}"
    return Endpoint(gallery.images(np.array([index]))[0], explorer.atlas.mean[index], described)


def _uploaded(explorer: "Explorer", name: str) -> Endpoint | None:
    file = st.file_uploader(
        "A picture",
        ["png", "jpg", "jpeg", "bmp", "gif", "webp"],
        key=f"upload-{name}",
        max_upload_size=MAX_UPLOAD_MB,
    )
    invert = st.toggle(
        "Dark on light",
        key=f"invert-{name}",
        help="Turn ink on paper into white on black, as in MNIST.",
    )
    if file is None:
        st.caption("Until a picture is chosen, this end is a test image.")
        return None
    from vae.errors import DataError
    from vae.folder import read_picture

    try:
        image = read_picture(file, file.name, explorer.run.model.image_shape)
    except DataError as error:
        show_error(error)
        return None
    image = 1 - image if invert else image
    return Endpoint(image, explorer.encode(image[None])[0][0], "your picture, as the model sees it")
