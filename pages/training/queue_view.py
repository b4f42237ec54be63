"""The queue of the page Train, the same for everyone; and what was left unfinished."""

import streamlit as st

from pages.shared.frame import show_error
from pages.shared.models import catalogue
from pages.shared.text import escaped
from pages.shared.training import training_queue
from pages.training.chosen import watch_job
from pages.training.stopping import is_own, own_jobs, stop_button
from vae.errors import VaeError

POLL_SECONDS = 3.0
ROWS = 5
UNFINISHED_ROWS = 4


@st.fragment(run_every=POLL_SECONDS)
def show_queue() -> None:
    """What is under way and what waits, where there is more than the one job shown below."""
    from vae.queue.outlook import outlook

    entries = outlook(training_queue().jobs, catalogue().runs)
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
    waiting = sum(entry.waits for entry in entries)
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
    from vae.queue.sweep import roughly

    if entry.waits:
        before, own = entry.seconds_before, entry.seconds
        begins = "" if before is None else f", begins in {roughly(before)}"
        return f"waits{begins}{'' if own is None else f', takes {roughly(own)}'}"
    left = "" if entry.seconds is None else f", {roughly(entry.seconds)} left"
    states = {job.status for job in entry.jobs}
    if "training" in states:
        return f"{max(job.share for job in entry.jobs):.0%}{left}"
    return "measuring and saving" if "saving" in states else "reading the data"


@st.cache_data(ttl=2, show_spinner=False)
def unfinished() -> list:
    """Read anew at most every other second, however many people look."""
    return training_queue().unfinished()


def show_unfinished() -> None:
    """Runs whose process ended before they did: to resume, or to discard."""
    found = unfinished()
    if not found:
        return
    with st.container(border=True, gap="xxsmall"):
        st.markdown("**Left unfinished**: the server ended before these did, or their process")
        for run in found[:UNFINISHED_ROWS]:
            show_one_unfinished(run)
        if len(found) > UNFINISHED_ROWS:
            st.caption(f"… and {len(found) - UNFINISHED_ROWS} more.")


def show_one_unfinished(run) -> None:
    """How far it is, and its buttons."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        done = f"{run.epochs} of {run.train.epochs} epochs, {ago(run.seconds_ago)}"
        st.markdown(f"**{escaped(run.name)}** · {done}", width="stretch")
        if st.button("Resume", key=f"resume-{run.name}", type="tertiary"):
            resume(run)
        with st.popover("Discard", key=f"discard-{run.name}", type="tertiary"):
            st.markdown("What it had learnt is lost for good.")
            if st.button("Discard it", key=f"discard-it-{run.name}"):
                discard(run)


def resume(run) -> None:
    """Queue it, and watch it."""
    own = own_jobs()
    try:
        job = training_queue().resume(run)
    except VaeError as error:
        show_error(error)
        return
    own.add(job.number)
    watch_job(job)
    unfinished.clear()
    st.rerun(scope="app")


def discard(run) -> None:
    """Remove what is left of it."""
    run.discard()
    unfinished.clear()
    st.rerun(scope="app")


def ago(seconds: float) -> str:
    """Such as "3 min ago"."""
    from vae.queue.sweep import roughly

    return "just now" if seconds < 5 else f"{roughly(seconds)} ago"
