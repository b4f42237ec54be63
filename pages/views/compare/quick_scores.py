"""Measures quick disentanglement scores on the server when a page needs them.

All sessions share the scores. The server measures one model at a time, in the run of the page that
asks for it, so one press of the button has a limit.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui.layout import show_error
from vae.core.access import is_read_only
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.runs.comparison import Comparison
    from vae.runs.run import Run

PATIENCE = 6.0
"""The most seconds that a page spends on scores that nobody asked for."""

MAX_SECONDS = 60.0
"""The most seconds that one press of the button may take."""

MAX_KEPT = 500
"""The most models whose scores are kept; the oldest scores are dropped first."""

WAIT_SECONDS = 0.3

Scores = Mapping[str, Mapping[str, Any]]
"""The scores of each model, by its identity (the hash of its weights)."""


def known_quick_scores(comparison: "Comparison") -> Scores:
    """Return the scores that the server has measured for the runs of a comparison."""
    known = _quick_scores()
    wanted = (run.identity for run in comparison.runs)
    return {identity: known[identity] for identity in wanted if identity in known}


def offer_quick_scores(comparison: "Comparison", stored: int) -> None:
    """Measure at once if that is quick and nothing is stored; otherwise show a button.

    `stored` is the number of runs that have full scores.
    """
    from vae.analysis.measurements import metrics_command, quick_seconds

    known = known_quick_scores(comparison)
    missing = [run for run in comparison.runs if run.identity not in known]
    if not missing:
        return
    seconds = quick_seconds(missing[0])
    if not stored and seconds * len(missing) <= PATIENCE:
        _measure(missing)
        return
    which = f"{stored} of these {len(comparison.runs)} models" if stored else "none of these models"
    offer = st.empty()
    text, button = offer.columns([3, 1], vertical_alignment="center")
    affordable = missing[: int(MAX_SECONDS / seconds)]
    text.caption(
        f"Full scores are stored for {which}; `{metrics_command(missing[0])}` stores those of one "
        f"model. Quick scores (random forest, fewer images) take about {seconds:.0f} s per "
        + ("model, one model at a time." if affordable else "model, more than a page may take."),
    )
    if not affordable or is_read_only():
        return
    if button.button(f"Measure {len(affordable)} models now", width="stretch"):
        _measure(affordable)
        if len(known_quick_scores(comparison)) == len(comparison.runs):
            offer.empty()


def _measure(runs: "list[Run]") -> None:
    """Measure runs one by one, and skip those that another page has measured in the meantime."""
    from vae.analysis.measurements import measure_quickly

    bar = st.progress(0.0)
    for i, run in enumerate(runs):
        share, which = i / len(runs), f"{i + 1} of {len(runs)} …"
        with _wait_for_lock(bar, share, which):
            known = _quick_scores()
            if run.identity in known:
                continue
            bar.progress(share, f"Measuring `{run.name}`, {which}")
            try:
                known[run.identity] = measure_quickly(run)
            except VaeError as error:
                show_error(error)
                break
            while len(known) > MAX_KEPT:
                del known[next(iter(known))]
    bar.empty()


@contextmanager
def _wait_for_lock(bar: Any, share: float, which: str) -> Iterator[None]:
    """Hold the lock. While waiting, update the bar, which also lets Streamlit end the run."""
    lock = _lock()
    while not lock.acquire(timeout=WAIT_SECONDS):
        bar.progress(share, f"Waiting until another model is measured, {which}")
    try:
        yield
    finally:
        lock.release()


@st.cache_resource(show_spinner=False)
def _quick_scores() -> dict[str, dict[str, Any]]:
    """Return the scores of all sessions; callers add to them."""
    return {}


@st.cache_resource(show_spinner=False)
def _lock() -> threading.Lock:
    return threading.Lock()
