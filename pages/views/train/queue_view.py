"""The queue of the page Train, the same for everyone."""

import streamlit as st

from pages.state.models import catalogue
from pages.state.training_queue import training_queue
from pages.ui.markdown import escaped
from pages.views.train.resume import show_unfinished
from pages.views.train.selection import watch_job
from pages.views.train.stopping import is_own, stop_button

POLL_SECONDS = 3.0
ROWS = 5


@st.fragment(run_every=POLL_SECONDS)
def show_queue() -> None:
    """What is under way and what waits, where there is more than the one job shown below."""
    from vae.jobs.eta import queue_etas

    entries = queue_etas(training_queue().jobs, catalogue().runs)
    if len(entries) > 1:
        shown, rest = entries[:ROWS], entries[ROWS:]
        shown += [entry for entry in rest if any(is_own(job) for job in entry.jobs)]
        with st.container(border=True, gap="xxsmall"):
            st.markdown(f"**The queue**: {count(entries)}; times are rough")
            for entry in shown:
                show_entry(entry, entries.index(entry))
            if len(shown) < len(entries):
                st.caption(f"… and {len(entries) - len(shown)} more wait.")
    show_unfinished()


def count(entries: list) -> str:
    """How many there are, in a few words."""
    waiting = sum(entry.is_waiting for entry in entries)
    return f"{len(entries) - waiting} under way, {waiting} waiting"


def show_entry(entry, place: int) -> None:
    """One job, or the runs of one sweep, and the buttons to watch and to stop it."""
    own = " · yours" if any(is_own(job) for job in entry.jobs) else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        text = f"{place + 1} · **{escaped(entry.title)}**{own} · {describe(entry)}"
        st.markdown(text, width="stretch")
        if st.button("Watch", key=f"watch-{entry.number}", type="tertiary"):
            watch_job(entry.jobs[0])
            st.rerun(scope="app")
        stop_button(list(entry.jobs), f"queue-stop-{entry.number}", "tertiary")


def describe(entry) -> str:
    """Where it stands, and roughly how long that takes."""
    from vae.jobs.eta import format_rough_duration

    if entry.is_waiting:
        before, own = entry.seconds_until_start, entry.seconds_left
        begins = "" if before is None else f", begins in {format_rough_duration(before)}"
        return f"waits{begins}{'' if own is None else f', takes {format_rough_duration(own)}'}"
    seconds = entry.seconds_left
    left = "" if seconds is None else f", {format_rough_duration(seconds)} left"
    states = {job.status for job in entry.jobs}
    if "training" in states:
        return f"{max(job.progress for job in entry.jobs):.0%}{left}"
    return "measuring and saving" if "saving" in states else "reading the data"
