"""Shows the picker of test images, and a note if the data set is absent."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.models import fetch_images, open_gallery
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from vae.charts.images import tile
from vae.core.access import is_read_only
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

ROW = 12


def offer_start_images(explorer: "Explorer", label: str, key: str) -> None:
    """Show test images behind a fold; the button below an image makes it the shared image."""
    with st.expander(label, key=f"{key}-open", on_change="rerun") as fold:
        if not fold.open:
            return
        gallery = open_gallery(explorer)
        note_missing(explorer, gallery, key)
        indices = _offered(gallery, key)
        st.image(tile(gallery.images(indices), ROW, 56, gap=8), alt="Test images")
        with st.container(horizontal=True, gap=None):
            for number, index in enumerate(indices.tolist(), start=1):
                st.button(
                    f"{number}",
                    key=f"{key}-{index}",
                    type="tertiary",
                    width=64,
                    on_click=latent_position.start_from_image,
                    args=(explorer, index),
                )


def note_missing(explorer: "Explorer", gallery: "Gallery", key: str = "page") -> None:
    """Say that images are reconstructions if the data set is absent, and offer its download.

    `key` is different for each note of a page.
    """
    if gallery.are_real:
        return
    from vae.core.access import FOLDERS_VARIABLE
    from vae.data.registry import FOLDER_PREFIX, dataset_title, is_allowed_dataset

    dataset = base_name(explorer.run.train.dataset)
    title = escaped(dataset_title(dataset))
    reason = f"{title} is not on this machine"
    if not is_allowed_dataset(dataset):
        reason = f"{title} is a folder that {FOLDERS_VARIABLE} of this server does not name"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{reason}, so these are the model's reconstructions of the test images.",
            width="content",
        )
        if not dataset.startswith(FOLDER_PREFIX) and not is_read_only():
            _offer_download(explorer, title, f"download-{key}")


def _offer_download(explorer: "Explorer", title: str, key: str) -> None:
    if not st.button(f"Download {title}", key, type="tertiary", icon=":material/download:"):
        return
    from vae.core.errors import DataError

    try:
        with st.spinner(f"Downloading {title} …"):
            fetch_images(explorer)
    except DataError as error:
        show_error(error)
    else:
        st.rerun()


def _offered(gallery: "Gallery", key: str) -> np.ndarray:
    """Return the indices of the first test images, or of those of a class that people choose."""
    classes = gallery.classes()
    if not classes:
        return np.arange(min(ROW, len(gallery.labels)))
    label = choose_one(
        "Class",
        classes,
        f"{key}-class",
        widget=st.pills,
        format_func=lambda label: escaped(gallery.class_names[label]),
        label_visibility="collapsed",
    )
    return gallery.of_class(label)[:ROW]
