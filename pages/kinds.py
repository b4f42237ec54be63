"""Kinds of model: the VAE's relatives, what each does differently, and what that buys."""

import importlib

from pages.state import url_state
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one

# By module of `pages.views.kinds`, each with a function `show`.
SECTIONS = {
    "points": "Autoencoder",
    "conditional": "Conditional",
    "levels": "Hierarchical",
    "codes": "Discrete codes",
    "likelihoods": "Likelihoods",
    "compressor": "Compressor",
}

SECTION = "kind"

open_page(
    "Kinds of model",
    "Take one thing away from the VAE, or add one, and see what changes.",
)


def choose_section() -> str:
    """The section, kept in the link."""
    url_state.set_initial_value("kind-section", url_state.read(SECTION), list(SECTIONS))
    chosen = choose_one(
        "Kind",
        list(SECTIONS),
        "kind-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    url_state.write(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with handle_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.views.kinds.{choose_section()}").show(explorer)
