"""Shows a finished run: its results, or the record of its training."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import catalogue
from pages.ui.layout import link_to
from pages.ui.markdown import escaped
from pages.views.train.resume import offer_resume
from pages.views.train.training_charts import show_training_charts, sorted_rate_bars

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.runs.run import Run


def show_results(name: str) -> None:
    """Show the results of a run, with links to the pages that show the model."""
    run = next((run for run in catalogue().runs if run.name == name), None)
    if run is None:
        return
    results = run.results
    stopped = ""
    if run.stopped_early:
        done = f"{results.epochs_trained:.3g} of {run.train.epochs} epochs"
        stopped = f" The training was stopped after {done}, and the model was kept."
    terms = f"distortion {results.test_distortion:.1f} nats per image, no rate."
    if run.model.has_rate:
        terms = (
            f"distortion {results.test_distortion:.1f} + rate {results.test_rate:.1f} nats per "
            f"image, ELBO {results.test_elbo:.1f}."
        )
    st.success(f"Test split: {terms}{stopped}")
    for sentence in _health_issues(run):
        st.info(sentence, icon=":material/info:")
    _show_links(run)
    offer_resume(name)


def show_record(run: "Run") -> None:
    """Show how a run was trained: its settings, its losses and the rate of each dimension."""
    train, model = run.train, run.model
    st.markdown(
        f"**{escaped(run.name)}** · {model.architecture} · {run.results.epochs_trained:g} epochs "
        f"with {train.batch_size} images per step · {run.results.seconds:.0f} s on "
        f"{escaped(run.provenance.device)}"
    )
    show_training_charts(*_figures(run), "recorded")
    _show_links(run)


def _show_links(run: "Run") -> None:
    with st.container(horizontal=True):
        for page, title in (("map", "Map"), ("decode", "Decode"), ("compare", "Compare beta")):
            link_to(f"pages/{page}.py", f"Open in {title}", run.name)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _health_issues(run: "Run") -> list[str]:
    from vae.analysis.health import check_run

    return [issue.sentence for issue in check_run(run)]


@st.cache_resource(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _figures(run: "Run") -> "tuple[go.Figure, go.Figure | None]":
    from vae.charts.figures import training_curves
    from vae.runs.checkpoint import load_metrics

    lines = load_metrics(run)
    names = "validation_distortion", "validation_rate"
    held_out: list[Any] = [tuple(line.get(name) for name in names) for line in lines]
    losses = training_curves(
        [line["epoch"] for line in lines],
        [line["distortion"] for line in lines],
        [line["rate"] for line in lines],
        None if any(None in pair for pair in held_out) else held_out,
    )
    rates = run.results.test_rate_per_dimension
    if not run.model.has_rate or not rates:
        return losses, None
    return losses, sorted_rate_bars(rates, run.results.inactive)
