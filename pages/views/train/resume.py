"""What has steps left: runs that were stopped, or left unfinished; to go on with, or to discard."""

import streamlit as st

from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.views.train.selection import watch_job
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

ROWS = 4


@st.cache_data(ttl=2, show_spinner=False)
def unfinished() -> list:
    """Read anew at most every other second, however many people look."""
    return training_queue().unfinished_runs()


def show_unfinished() -> None:
    """Those that nobody meant to end, in sight; those that were stopped, folded away."""
    found = unfinished()
    left = [run for run in found if not run.has_checkpoint]
    stopped = [run for run in found if run.has_checkpoint]
    if left:
        with st.container(border=True, gap="xxsmall"):
            st.markdown("**Left unfinished**: these ended before they could be measured")
            _show_rows(left)
    if stopped:
        with st.expander(f"Stopped, and can go on: {len(stopped)}", key="stopped-runs"):
            _show_rows(stopped)


def _show_rows(runs: list) -> None:
    for run in runs[:ROWS]:
        _show_row(run)
    if len(runs) > ROWS:
        st.caption(f"… and {len(runs) - ROWS} more.")


def _show_row(run) -> None:
    """How far it is, and its buttons; one that is kept as a model need not be discarded."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        done = f"{epochs_done(run)}, {ago(run.seconds_ago)}"
        st.markdown(f"**{escaped(run.name)}** · {done}", width="stretch")
        if st.button("Go on", key=f"resume-{run.name}", type="tertiary"):
            resume_run(run)
        if run.has_checkpoint:
            return
        with st.popover("Discard", key=f"discard-{run.name}", type="tertiary"):
            st.markdown("What it had learnt is lost for good.")
            if st.button("Discard it", key=f"discard-it-{run.name}"):
                _discard(run)


def offer_resume(name: str) -> None:
    """Below the results of a run that was stopped: the rest of its steps."""
    run = next((run for run in unfinished() if run.name == name and run.has_checkpoint), None)
    if run is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Go on training", key=f"go-on-{name}", icon=":material/resume:"):
            resume_run(run)
        st.caption("Takes the steps that are left; this model is replaced when they are done.")


def epochs_done(run) -> str:
    """Such as "3 of 10 epochs"."""
    return f"{run.epochs} of {run.train.epochs} epochs"


def resume_run(run) -> None:
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


def _discard(run) -> None:
    """Remove what is left of it."""
    run.discard()
    unfinished.clear()
    st.rerun(scope="app")


def ago(seconds: float) -> str:
    """Such as "3 min ago"."""
    from vae.jobs.eta import format_rough_duration

    return "just now" if seconds < 5 else f"{format_rough_duration(seconds)} ago"
