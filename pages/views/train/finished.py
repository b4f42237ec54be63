"""A training that is over, as its checkpoint recorded it: for a server that trains nothing."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui.layout import link_to
from pages.ui.markdown import escaped

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.runs.run import Run


def show_finished_run(run: "Run") -> None:
    """How the chosen model was trained: its settings, its curves, the rate of each dimension."""
    train, model = run.train, run.model
    st.markdown(
        f"**{escaped(run.name)}** · {model.architecture} · {run.results.epochs_trained:g} epochs "
        f"of {train.batch_size} images a step · {run.results.seconds:.0f} s on "
        f"{escaped(run.provenance.device)}"
    )
    losses, rates = _figures(run.identity, run)
    left, right = st.columns([1.6, 1], gap="medium")
    left.plotly_chart(losses, key="recorded-curves", config={"displayModeBar": False})
    if rates is not None:
        right.plotly_chart(rates, key="recorded-bars", config={"displayModeBar": False})
    with st.container(horizontal=True):
        for page, title in (("map", "Map"), ("decode", "Decode"), ("compare", "Compare beta")):
            link_to(f"pages/{page}.py", f"Open in {title}", run.name)


@st.cache_resource(max_entries=50, show_spinner=False)
def _figures(identity: str, _run: "Run") -> "tuple[go.Figure, go.Figure | None]":
    from vae.charts.figures import rate_bars, training_curves
    from vae.runs.checkpoint import load_metrics

    lines = load_metrics(_run)
    names = "validation_distortion", "validation_rate"
    held_out: list[Any] = [tuple(line.get(name) for name in names) for line in lines]
    losses = training_curves(
        [line["epoch"] for line in lines],
        [line["distortion"] for line in lines],
        [line["rate"] for line in lines],
        None if any(None in pair for pair in held_out) else held_out,
    )
    rates, results = _run.results.test_rate_per_dimension, _run.results
    if not _run.model.has_rate or not rates:
        return losses, None
    order = sorted(range(len(rates)), key=rates.__getitem__, reverse=True)
    active = [i not in results.inactive for i in order]
    return losses, rate_bars(order, [rates[i] for i in order], active, 380)
