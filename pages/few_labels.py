"""Few labels, few data: what a VAE makes of the images that nobody labelled, or has."""

import importlib

import streamlit as st

from pages.shared import link
from pages.shared.frame import calm_errors, open_page
from pages.shared.models import pick_explorer

# By module of `pages.few`, each with a function `show`.
SECTIONS = {"labels": "Few labels", "data": "Few data"}

SECTION = "few"

open_page(
    "Few labels, few data",
    "Labels are dear: can a hundred be enough? And can a model that has seen few images help out "
    "with images of its own?",
)


def choose_section() -> str:
    """The section, kept in the link."""
    link.start_widget("few-section", link.recall(SECTION), list(SECTIONS))
    chosen = st.segmented_control(
        "Question",
        list(SECTIONS),
        key="few-section",
        default=None if "few-section" in st.session_state else next(iter(SECTIONS)),
        required=True,
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    assert chosen is not None
    link.keep(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with calm_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.few.{choose_section()}").show(explorer)
