"""What is compared, and in which view: both stand in the link."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import url_state
from pages.state.models import catalogue
from pages.ui.widgets import choose_one

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
    """The comparison that the chosen model is part of, or another; None where there is none."""
    from vae.runs.comparison import comparisons

    found = {describe(comparison): comparison for comparison in comparisons(catalogue().runs)}
    if not found:
        return None
    own = next((name for name, c in found.items() if c.holds(run)), None)
    key = f"comparison-{run.name}"
    url_state.set_initial_value(
        key, url_state.read("models", run.name) or own or _nearest(found, run), [*found]
    )
    chosen = st.selectbox(
        "Models", [*found], key=key, label_visibility="collapsed", on_change=_keep, args=(key, run)
    )
    return found[chosen]


def choose_view(comparison: "Comparison | None") -> str:
    """One of VIEWS; the first that has something to show, unless a person chose another."""
    first = SWEEP if comparison is None else DRAG if comparison.multi_rate else COLUMNS
    url_state.set_initial_value("compare-view", url_state.read("view"), [*VIEWS])
    return choose_one(
        "View",
        [*VIEWS],
        "compare-view",
        first,
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        on_change=lambda: url_state.write_widget_value("view", "compare-view"),
    )


def open_view(view: str) -> None:
    """Show one of VIEWS from the next run on."""
    url_state.write("view", view)
    st.session_state["compare-view"] = view


def describe(comparison: "Comparison") -> str:
    """Such as "MNIST · mlp · 10 latent · β 0.5 to 10 · 3 seeds · multi-rate"."""
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
    """The one of the same data with the most runs, else that of other data with the most."""

    def nearness(name: str) -> tuple[bool, bool, int]:
        comparison = found[name]
        same = comparison.example.train.dataset == run.train.dataset
        return same, bool(comparison.multi_rate), len(comparison.runs)

    return max(found, key=nearness)


def _keep(key: str, run: "Run") -> None:
    url_state.write("models", st.session_state[key], run.name)
