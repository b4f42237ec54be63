"""Scores that a page measures itself: each model once for everybody, one model at a time.

They are taken in the run of the page that asks, so what one page may ask for has a bound, and who
waits for another's leaves the processor alone.
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
"""Seconds that a visitor waits for scores without having asked for them."""

LONGEST = 60.0
"""Seconds of the server's time that one press of the button may take."""

KEPT = 500
"""Models whose scores are kept; those measured first go first."""

WAIT_SECONDS = 0.3

Scores = Mapping[str, Mapping[str, Any]]
"""By the weights that they are of."""


def known_quick_scores(comparison: "Comparison") -> Scores:
    """What was measured here of the runs of a comparison."""
    known = _quick_scores()
    wanted = (run.identity for run in comparison.runs)
    return {identity: known[identity] for identity in wanted if identity in known}


def offer_quick_scores(comparison: "Comparison", stored: int) -> None:
    """Measure at once where that is quick and nothing is stored, else behind a button.

    `stored` runs have full scores.
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
    has = f"Of {stored} of these {len(comparison.runs)} models" if stored else "Of none of these"
    offer = st.empty()
    text, button = offer.columns([3, 1], vertical_alignment="center")
    affordable = missing[: int(LONGEST / seconds)]
    text.caption(
        f"{has} the full scores are stored; `{metrics_command(missing[0])}` stores those of one. "
        f"Quick ones (random forest, fewer images) take about {seconds:.0f} s a model, "
        + ("one at a time for everybody." if affordable else "more than this page may take."),
    )
    if not affordable or is_read_only():
        return
    if button.button(f"Measure {len(affordable)} models now", width="stretch"):
        _measure(affordable)
        if len(known_quick_scores(comparison)) == len(comparison.runs):
            offer.empty()


def _measure(runs: "list[Run]") -> None:
    """Those that nobody has measured meanwhile."""
    from vae.analysis.measurements import measure_quickly

    bar = st.progress(0.0)
    for place, run in enumerate(runs):
        share, which = place / len(runs), f"{place + 1} of {len(runs)} …"
        with _own_turn(bar, share, which):
            known = _quick_scores()
            if run.identity in known:
                continue
            bar.progress(share, f"Measuring `{run.name}`, {which}")
            try:
                known[run.identity] = measure_quickly(run)
            except VaeError as error:
                show_error(error)
                break
            while len(known) > KEPT:
                del known[next(iter(known))]
    bar.empty()


@contextmanager
def _own_turn(bar: Any, share: float, which: str) -> Iterator[None]:
    """One model at a time, however many people ask; whoever leaves the page waits no longer."""
    turn = _turn()
    while not turn.acquire(timeout=WAIT_SECONDS):
        bar.progress(share, f"Waiting until another model is measured, {which}")
    try:
        yield
    finally:
        turn.release()


@st.cache_resource(show_spinner=False)
def _quick_scores() -> dict[str, dict[str, Any]]:
    """What was measured here, for all visitors."""
    return {}


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Lock:
    return threading.Lock()
