"""Describes the status of jobs in a few words, and limits how often their charts change."""

import time
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from vae.jobs.jobs import Job

T = TypeVar("T")

POLL_SECONDS = 1.0
"""The time between two updates of a job or a sweep on the page."""

REDRAW_SECONDS = 4.0
"""The time between two drawings of a chart in a long training."""


def describe_status(job: "Job") -> str:
    """Return the status of a job, in the words of the page."""
    words = {"loading": "reading the data", "saving": "evaluating and saving"}
    return words.get(job.status, job.status)


def describe_epoch(job: "Job") -> str:
    """Return the epoch that a job trains in, such as "epoch 3 of 10"."""
    epochs = job.request.train.epochs
    return f"epoch {min((job.latest.epoch if job.latest else 0) + 1, epochs)} of {epochs}"


def describe_active_units(job: "Job") -> str:
    """Return the active units after the last epoch, such as "7 of 10"; a dash before that."""
    units = job.latest.active_units if job.latest else None
    return "–" if units is None else f"{units} of {job.request.model.latent_dim}"


def throttled(key: str, latest: T, is_long: bool) -> T:
    """Return `latest`, or in a long training an earlier value, which changes more seldom.

    Drawing a chart is slow, so the charts of a long training lag behind.
    """
    now = time.monotonic()
    drawn_at, drawn = st.session_state.get(key, (now, latest))
    if not is_long or now - drawn_at >= REDRAW_SECONDS:
        drawn_at, drawn = now, latest
    st.session_state[key] = drawn_at, drawn
    return drawn
