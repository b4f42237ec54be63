"""Few labels, few data: shows how a VAE helps when labels or images are few."""

import importlib

from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link

# Titles by the name of a module of `pages.views.few_labels`;
# each module has a function `show`.
SECTIONS = {"labels": "Few labels", "data": "Few data"}

open_page(
    "Few labels, few data",
    "Labels are expensive: can a hundred be enough? And can a model that was trained on few images "
    "help with samples of its own?",
)


def choose_section() -> str:
    """Choose the question; the choice stands in the link."""
    return choose_in_link(
        "Question",
        list(SECTIONS),
        name="few",
        key="few-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )


explorer = pick_explorer()
with handle_errors():
    # Importing one section only keeps the page quick to open.
    importlib.import_module(f"pages.views.few_labels.{choose_section()}").show(explorer)
