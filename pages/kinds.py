"""Kinds of model: the VAE's relatives, what each does differently, and what that buys."""

import importlib

from pages.state import url_state
from pages.ui.layout import calm_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import one_of

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
    url_state.start_widget("kind-section", url_state.recall(SECTION), list(SECTIONS))
    chosen = one_of(
        "Kind",
        list(SECTIONS),
        "kind-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    url_state.keep(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with calm_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.views.kinds.{choose_section()}").show(explorer)
