"""Shows the training queue of the server, which is the same for everyone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import catalogue
from pages.state.training_queue import training_queue
from pages.ui.markdown import escaped
from pages.views.train.resume import show_unfinished
from pages.views.train.selection import watch_job
from pages.views.train.status import describe_status
from pages.views.train.stopping import is_own, stop_button

if TYPE_CHECKING:
    from vae.jobs.eta import QueueEntry

QUEUE_POLL_SECONDS = 3.0
ROWS = 5


@st.fragment(run_every=QUEUE_POLL_SECONDS)
def show_queue() -> None:
    """Show the queue if it holds more than the one job that the page shows, and unfinished runs."""
    from vae.jobs.eta import queue_etas

    entries = queue_etas(training_queue().jobs, catalogue().runs)
    if len(entries) > 1:
        shown, rest = entries[:ROWS], entries[ROWS:]
        shown += [entry for entry in rest if any(map(is_own, entry.jobs))]
        with st.container(border=True, gap="xxsmall"):
            st.markdown(f"**The queue**: {_count(entries)}; times are rough")
            for entry in shown:
                _show_entry(entry, entries.index(entry))
            if len(shown) < len(entries):
                st.caption(f"… and {len(entries) - len(shown)} more are waiting.")
    show_unfinished()


def _count(entries: "Sequence[QueueEntry]") -> str:
    waiting = sum(entry.is_waiting for entry in entries)
    return f"{len(entries) - waiting} in progress, {waiting} waiting"


def _show_entry(entry: "QueueEntry", index: int) -> None:
    """Show one job, or the runs of one sweep, with the buttons to watch and to stop it."""
    own = " · yours" if any(map(is_own, entry.jobs)) else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        text = f"{index + 1} · **{escaped(entry.title)}**{own} · {_describe(entry)}"
        st.markdown(text, width="stretch")
        if st.button("Watch", key=f"watch-{entry.number}", type="tertiary"):
            watch_job(entry.jobs[0])
            st.rerun(scope="app")
        stop_button(entry.jobs, f"queue-stop-{entry.number}", "tertiary")


def _describe(entry: "QueueEntry") -> str:
    """Return the status of an entry with a rough estimate of its time."""
    from vae.jobs.eta import format_rough_duration

    if entry.is_waiting:
        before, own = entry.seconds_until_start, entry.seconds_left
        begins = "" if before is None else f", starts in {format_rough_duration(before)}"
        return f"waits{begins}{'' if own is None else f', takes {format_rough_duration(own)}'}"
    seconds = entry.seconds_left
    left = "" if seconds is None else f", {format_rough_duration(seconds)} left"
    by_status = {job.status: job for job in entry.jobs}
    if "training" in by_status:
        return f"{max(job.progress for job in entry.jobs):.0%}{left}"
    saving = by_status.get("saving")
    return describe_status(saving) if saving else "reading the data"
