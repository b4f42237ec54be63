"""Kinds of model: the VAE's relatives, what each does differently, and what that buys."""

import importlib

from pages.shared import link
from pages.shared.choice import one_of
from pages.shared.frame import calm_errors, open_page
from pages.shared.models import pick_explorer

# By module of `pages.kind`, each with a function `show`.
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
    link.start_widget("kind-section", link.recall(SECTION), list(SECTIONS))
    chosen = one_of(
        "Kind",
        list(SECTIONS),
        "kind-section",
        format_func=SECTIONS.__getitem__,
        label_visibility="collapsed",
    )
    link.keep(SECTION, chosen)
    return chosen


explorer = pick_explorer()
with calm_errors():
    # Only the section that is shown is imported.
    importlib.import_module(f"pages.kind.{choose_section()}").show(explorer)
