"""Kinds of model: shows the relatives of the VAE, and the effect of each difference."""

import importlib

from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link

# Titles by the name of a module of `pages.views.kinds`;
# each module has a function `show`.
SECTIONS = {
    "points": "Autoencoder",
    "conditional": "Conditional",
    "levels": "Hierarchical",
    "codes": "Discrete codes",
    "likelihoods": "Likelihoods",
    "compressor": "Compressor",
}

open_page(
    "Kinds of model",
    "Remove one part of the VAE, or add one, and see what changes.",
)


def choose_section() -> str:
    """Choose the kind of model; the choice stands in the link."""
    return choose_in_link(
        "Kind",
        list(SECTIONS),
        name="kind",
        key="kind-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )


explorer = pick_explorer()
with handle_errors():
    # Importing one section only keeps the page quick to open.
    importlib.import_module(f"pages.views.kinds.{choose_section()}").show(explorer)
