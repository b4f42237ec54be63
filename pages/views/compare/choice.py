"""Shows the pickers of the comparison and of the view; the address holds both choices."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import url_state
from pages.state.models import catalogue
from pages.ui.widgets import choose_in_link

if TYPE_CHECKING:
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run

DRAG, COLUMNS, MEASURES, SWEEP = "drag", "columns", "measures", "sweep"
VIEWS = {
    DRAG: "Drag β",
    COLUMNS: "Side by side",
    MEASURES: "Measurements",
    SWEEP: "Train a sweep",
}


def choose_comparison(run: "Run") -> "Comparison | None":
    """Show the picker of comparisons and return the choice; None if there is no comparison.

    The default is the comparison that contains the chosen model, or else the most similar one.
    """
    from vae.runs.comparison import comparisons

    found = {describe(comparison): comparison for comparison in comparisons(catalogue().runs)}
    if not found:
        return None
    own = next((name for name, c in found.items() if c.holds(run)), None)
    key = f"comparison-{run.name}"
    url_state.set_initial_value(
        key, url_state.read("models", run.name) or own or _nearest(found, run), [*found]
    )
    name = st.selectbox(
        "Models",
        [*found],
        key=key,
        label_visibility="collapsed",
        on_change=url_state.write_widget_value,
        args=("models", key, run.name),
    )
    return found[name]


def choose_view(comparison: "Comparison | None") -> str:
    """Show the picker of VIEWS; return the choice. The default is a view with something to show."""
    first = SWEEP if comparison is None else DRAG if comparison.multi_rate else COLUMNS
    return choose_in_link(
        "View",
        [*VIEWS],
        "view",
        "compare-view",
        first,
        writes_default=False,
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
    )


def open_view(view: str) -> None:
    """Choose one of VIEWS; the choice takes effect at the next rerun."""
    url_state.write("view", view)
    st.session_state["compare-view"] = view


def describe(comparison: "Comparison") -> str:
    """Return a title such as "MNIST · mlp · 10 latent · β 1 to 10 · 5 epochs · 3 seeds · any β"."""
    from vae.data.registry import dataset_title

    run = comparison.example
    parts = [dataset_title(run.train.dataset), run.model.architecture]
    parts.append(f"{run.model.latent_dim} latent")
    betas = comparison.betas
    if betas:
        parts += [f"β {betas[0]:g} to {betas[-1]:g}", f"{comparison.runs[0].train.epochs} epochs"]
    if len(comparison.seeds) > 1:
        parts.append(f"{len(comparison.seeds)} seeds")
    if comparison.multi_rate:
        parts.append("any β")
    return " · ".join(parts)


def _nearest(found: "dict[str, Comparison]", run: "Run") -> str:
    """Return the title of the comparison that is most similar to a run.

    The same data set counts most, then a multi-rate model, then the number of runs.
    """

    def similarity(name: str) -> tuple[bool, bool, int]:
        comparison = found[name]
        same = comparison.example.train.dataset == run.train.dataset
        return same, bool(comparison.multi_rate), len(comparison.runs)

    return max(found, key=similarity)
