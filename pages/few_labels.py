"""Few labels, few data: what a VAE makes of the images that nobody labelled, or has."""

import importlib

from pages.state import url_state
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one

# By module of `pages.views.few_labels`, each with a function `show`.
SECTIONS = {"labels": "Few labels", "data": "Few data"}

SECTION = "few"

open_page(
    "Few labels, few data",
    "Labels are dear: can a hundred be enough? And can a model that has seen few images help out "
    "with images of its own?",
)


def choose_section() -> str:
    """The section, kept in the link."""
    url_state.set_initial_value("few-section", url_state.read(SECTION), list(SECTIONS))
    chosen = choose_one(
        "Question",
        list(SECTIONS),
        "few-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    url_state.write(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with handle_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.views.few_labels.{choose_section()}").show(explorer)
