"""Few labels, few data: what a VAE makes of the images that nobody labelled, or has."""

import importlib

from pages.shared import link
from pages.shared.choice import one_of
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
    chosen = one_of(
        "Question",
        list(SECTIONS),
        "few-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    link.keep(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with calm_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.few.{choose_section()}").show(explorer)
