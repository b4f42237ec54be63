"""Shows a training job: its progress, curves and pictures, redrawn while it trains."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import catalogue, choose, refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import error_text, escaped
from pages.ui.widgets import show_metrics
from pages.views.train.resume import unfinished_runs
from pages.views.train.status import (
    POLL_SECONDS,
    describe_active_units,
    describe_epoch,
    describe_status,
    throttled,
)
from pages.views.train.stopping import is_own, stop_button
from pages.views.train.training_charts import show_training_charts, sorted_rate_bars
from vae.charts.images import tile

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.jobs.jobs import Job
    from vae.training import Report

SHORT_SECONDS = 10.0
"""A page redraws the charts at every update for this time after it has opened."""

LISTED_SECONDS = 3.0
"""The lists of runs are read again for this time after a job has ended; they are cached for two."""


@st.fragment(run_every=POLL_SECONDS)
def watch_until_end(job: "Job") -> None:
    """Show a job, redrawn every second until it ends; then choose its model if it is one's own."""
    show_job(job)
    if job.ended:
        refresh_after_end()
        is_saved = any(run.name == job.name for run in catalogue().runs)
        if is_saved and is_own(job):
            choose(job.name)
        st.rerun(scope="app")


def refresh_after_end() -> None:
    """Read the lists of runs again if a job has ended so lately that they may lack it."""
    ends = [job.ended_at for job in training_queue().jobs if job.ended_at is not None]
    if ends and time.monotonic() - max(ends) < LISTED_SECONDS:
        refresh_catalogue()
        unfinished_runs.clear()


def show_job(job: "Job") -> None:
    """Show a job's progress, and its curves and pictures as soon as there are any."""
    _show_progress(job)
    if job.epochs:
        _show_charts(job)
    if job.snapshots:
        _show_pictures(job)


def _show_progress(job: "Job") -> None:
    latest = job.latest
    st.progress(job.progress, text=f"**{escaped(job.name)}** · {_describe(job)}")
    show_metrics(
        (
            ("Distortion", f"{latest.distortion:.1f}" if latest else "–", "nats per image"),
            ("Rate", f"{latest.rate:.1f}" if latest else "–", "nats per image"),
            ("β now", f"{latest.beta:.3g}" if latest else "–", "β at this step of the warm-up"),
            ("Active", describe_active_units(job), "latent dimensions"),
            (
                "Images/s",
                f"{latest.images_per_second:,.0f}" if latest else "–",
                "speed of the training loop alone",
            ),
        )
    )
    if job.status == "failed":
        show_error(f"{job.name} has failed: {job.message}")
    elif job.ended and job.message:
        st.info(f"{escaped(job.name)}: {error_text(job.message)}.", icon=":material/info:")
    elif not job.ended:
        is_kept = job.status == "training" and not job.stopping
        stop_button([job], f"stop-{job.number}", label="Stop and keep it" if is_kept else "")


def _describe(job: "Job") -> str:
    if job.status != "training" or job.latest is None:
        return describe_status(job)
    left = "stopping" if job.stopping else f"{job.latest.seconds_left:.0f} s left"
    return f"{describe_epoch(job)}, {left}"


def _show_charts(job: "Job") -> None:
    opened_at = st.session_state.setdefault(f"opened-{job.number}", time.monotonic())
    is_long = not job.ended and time.monotonic() - opened_at > SHORT_SECONDS
    reports = job.epochs[: throttled(f"drawn-{job.number}", len(job.epochs), is_long)]
    show_training_charts(*_figures(str(job.path), len(reports), reports), str(job.number))


@st.cache_resource(max_entries=16, show_spinner=False)
def _figures(path: str, epochs: int, _reports: "Sequence[Report]") -> "tuple[go.Figure, go.Figure]":
    """Draw both charts once per epoch, however many people watch; path and epochs are the key."""
    from vae.charts.figures import training_curves

    held_out = [(r.validation.distortion, r.validation.rate) for r in _reports if r.validation]
    losses = training_curves(
        [r.epoch for r in _reports],
        [r.distortion for r in _reports],
        [r.rate for r in _reports],
        held_out if len(held_out) == epochs else None,
    )
    latest = _reports[-1]
    return losses, sorted_rate_bars(latest.rate_per_dimension, latest.inactive or ())


def _show_pictures(job: "Job") -> None:
    """Show fixed test images, their reconstructions, and fixed codes decoded at one epoch."""
    snapshots = list(job.snapshots)
    shown = snapshots[-1]
    if job.ended and len(snapshots) > 1:
        epochs = [snapshot.epoch for snapshot in snapshots]
        epoch = st.select_slider("Epoch", epochs, value=epochs[-1], key=f"scrub-{job.number}")
        shown = snapshots[epochs.index(epoch)]
    assert job.originals is not None
    rows = np.concatenate([job.originals, shown.reconstructions, shown.samples]) / 255
    st.image(
        tile(rows, len(job.originals), 56),
        caption=f"Test images, their reconstructions, and samples after epoch {shown.epoch}.",
        alt="Test images, reconstructions and samples",
    )
