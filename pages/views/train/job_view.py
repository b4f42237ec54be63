"""One job: its figures, its curves and its pictures while it trains, and what came out of it."""

import time

import numpy as np
import streamlit as st

from pages.state.models import catalogue, choose, refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import link_to, show_error
from pages.ui.markdown import error_text, escaped
from pages.views.train.resume import offer_resume, unfinished
from pages.views.train.stopping import is_own, stop_button
from vae.charts.images import tile

POLL_SECONDS = 1.0
LIVELY_SECONDS = 10.0
LISTED_SECONDS = 3.0
LONG_REDRAW_SECONDS = 4.0


@st.fragment(run_every=POLL_SECONDS)
def watch(job) -> None:
    """One job, drawn anew every second until it ends."""
    show_job(job)
    if job.ended:
        look_again()
        saved = any(run.name == job.name for run in catalogue().runs)
        if saved and is_own(job):
            choose(job.name)
        st.rerun(scope="app")


def look_again() -> None:
    """Read anew what lies in the folder, where the last look may be older than a job's end."""
    ends = [job.ended_at for job in training_queue().jobs if job.ended_at is not None]
    if ends and time.monotonic() - max(ends) < LISTED_SECONDS:
        refresh_catalogue()
        unfinished.clear()


def show_job(job) -> None:
    """Where it stands, its curves so far, its pictures so far."""
    show_progress(job)
    if job.epochs:
        show_curves(job)
    if job.snapshots:
        show_pictures(job)


def show_progress(job) -> None:
    """Where it stands, in one line of figures and a bar."""
    latest = job.latest
    share = latest.step / latest.steps if latest else 0.0
    st.progress(share, text=f"**{escaped(job.name)}** · {describe(job)}")
    figures = st.columns(5)
    shown = (
        ("Distortion", f"{latest.distortion:.1f}" if latest else "–", "nats per image"),
        ("Rate", f"{latest.rate:.1f}" if latest else "–", "nats per image"),
        ("β now", f"{latest.beta:.3g}" if latest else "–", "after warm-up so far"),
        ("Active", active_text(job), "latent dimensions"),
        ("Images/s", f"{latest.images_per_second:,.0f}" if latest else "–", "of training alone"),
    )
    for column, (label, value, help_text) in zip(figures, shown, strict=True):
        column.metric(label, value, help=help_text)
    if job.status == "failed":
        show_error(f"{job.name} has failed: {job.message}")
    elif job.ended and job.message:
        st.info(
            f"{escaped(job.name)}: {error_text(job.message)}.",
            icon=":material/info:",
        )
    elif not job.ended:
        keeps = job.status == "training" and not job.stopping
        label = "Stop and keep it" if keeps else ""
        stop_button([job], f"stop-{job.number}", label=label)


def active_text(job) -> str:
    """Active units of all, as of the last epoch."""
    units = job.latest.active_units if job.latest else None
    return "–" if units is None else f"{units} of {job.request.model.latent_dim}"


def describe(job) -> str:
    """The job's state in a few words."""
    if job.status != "training" or job.latest is None:
        return {"loading": "reading the data", "saving": "measuring and saving"}.get(
            job.status, job.status
        )
    epochs = job.request.train.epochs
    left = f"{job.latest.seconds_left:.0f} s left" if not job.stopping else "stopping"
    return f"epoch {min(job.latest.epoch + 1, epochs)} of {epochs}, {left}"


def show_curves(job) -> None:
    """Distortion and rate by epoch; the rate of each dimension."""
    reports = list(job.epochs)[: epochs_to_draw(job)]
    curves, bars = st.columns([1.6, 1], gap="medium")
    losses, rates = epoch_figures(str(job.path), len(reports), reports)
    curves.plotly_chart(losses, key=f"curves-{job.number}", config={"displayModeBar": False})
    bars.plotly_chart(rates, key=f"bars-{job.number}", config={"displayModeBar": False})


def epochs_to_draw(job) -> int:
    """How many epochs the charts show; in a long training they lag, since drawing one is slow."""
    count, now = len(job.epochs), time.monotonic()
    begun, drawn_at, drawn = st.session_state.get(f"drawn-{job.number}", (now, now, count))
    is_long = now - begun > LIVELY_SECONDS
    if job.ended or not is_long or now - drawn_at >= LONG_REDRAW_SECONDS:
        drawn_at, drawn = now, count
    st.session_state[f"drawn-{job.number}"] = begun, drawn_at, drawn
    return drawn


@st.cache_resource(max_entries=16, show_spinner=False)
def epoch_figures(path: str, epochs: int, _reports):
    """Both charts of a run; made once an epoch, however many people watch."""
    from vae.charts.figures import rate_bars, training_curves

    held_out = [(r.validation.distortion, r.validation.rate) for r in _reports if r.validation]
    losses = training_curves(
        [r.epoch for r in _reports],
        [r.distortion for r in _reports],
        [r.rate for r in _reports],
        held_out if len(held_out) == epochs else None,
    )
    rates, inactive = _reports[-1].rate_per_dimension, _reports[-1].inactive or ()
    order = np.argsort(rates)[::-1].tolist()
    bars = rate_bars(order, [rates[i] for i in order], [i not in inactive for i in order], 380)
    return losses, bars


def show_pictures(job) -> None:
    """The same images and the same codes, epoch after epoch."""
    snapshots = list(job.snapshots)
    shown = snapshots[-1]
    if job.ended and len(snapshots) > 1:
        epochs = [snapshot.epoch for snapshot in snapshots]
        chosen = st.select_slider("Epoch", epochs, value=epochs[-1], key=f"scrub-{job.number}")
        shown = snapshots[epochs.index(chosen)]
    rows = np.concatenate([job.originals, shown.reconstructions, shown.samples]) / 255
    st.image(
        tile(rows, len(job.originals), 56),
        caption=f"Test images, their reconstructions, and samples after epoch {shown.epoch}.",
        alt="Test images, reconstructions and samples",
    )


def show_finished(name: str) -> None:
    """What came out of a run, and the way to the other pages."""
    run = next((run for run in catalogue().runs if run.name == name), None)
    if run is None:
        return
    results = run.results
    done = f"{results.epochs_trained:.3g} of {run.train.epochs} epochs"
    stopped = f" Stopped after {done}, and kept." if run.stopped_early else ""
    terms = f"Test split: distortion {results.test_distortion:.1f} nats per image, no rate."
    if run.model.has_rate:
        terms = (
            f"Test split: distortion {results.test_distortion:.1f} + rate {results.test_rate:.1f} "
            f"nats per image, ELBO {results.test_elbo:.1f}."
        )
    st.success(f"{terms}{stopped}")
    for sentence in symptoms(run.identity, run):
        st.info(sentence, icon=":material/info:")
    with st.container(horizontal=True):
        for page, title in (("map", "Map"), ("decode", "Decode"), ("compare", "Compare beta")):
            link_to(f"pages/{page}.py", f"Open in {title}", run.name)
    offer_resume(name)


@st.cache_data(max_entries=50, show_spinner=False)
def symptoms(identity: str, _run) -> list[str]:
    """What is wrong with a model, in sentences."""
    from vae.analysis.health import check_run

    return [issue.sentence for issue in check_run(_run)]
