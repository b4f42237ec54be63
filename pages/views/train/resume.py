"""Lists the runs that have steps left, which a person can resume or discard."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.views.train.selection import watch_job
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.jobs.unfinished import UnfinishedRun

ROWS = 4


@st.cache_data(ttl=2, show_spinner=False)
def unfinished_runs() -> "list[UnfinishedRun]":
    """Return the runs with steps left, read from the disk at most every two seconds."""
    return training_queue().unfinished_runs()


def show_unfinished() -> None:
    """Show interrupted runs, and behind a fold those that somebody stopped."""
    found = unfinished_runs()
    interrupted = [run for run in found if not run.has_checkpoint]
    stopped = [run for run in found if run.has_checkpoint]
    if interrupted:
        with st.container(border=True, gap="xxsmall"):
            st.markdown("**Unfinished**: these runs were interrupted before evaluation")
            _show_rows(interrupted)
    if stopped:
        with st.expander(f"Stopped runs that you can resume: {len(stopped)}", key="stopped-runs"):
            _show_rows(stopped)


def _show_rows(runs: "Sequence[UnfinishedRun]") -> None:
    for run in runs[:ROWS]:
        _show_row(run)
    if len(runs) > ROWS:
        st.caption(f"… and {len(runs) - ROWS} more.")


def _show_row(run: "UnfinishedRun") -> None:
    """Show a run's progress and its buttons; a stopped run is a model, so it has no Discard."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        done = f"{describe_epochs(run)}, {_time_since(run.seconds_ago)}"
        st.markdown(f"**{escaped(run.name)}** · {done}", width="stretch")
        if st.button("Resume", key=f"resume-{run.name}", type="tertiary"):
            resume_run(run)
        if run.has_checkpoint:
            return
        with st.popover("Discard", key=f"discard-{run.name}", type="tertiary"):
            st.markdown("This deletes the weights for good.")
            if st.button("Discard it", key=f"discard-it-{run.name}"):
                _discard(run)


def offer_resume(name: str) -> None:
    """Show a button that resumes a run, if somebody stopped it."""
    stopped = (run for run in unfinished_runs() if run.name == name and run.has_checkpoint)
    run = next(stopped, None)
    if run is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Resume training", key=f"go-on-{name}", icon=":material/resume:"):
            resume_run(run)
        st.caption("This trains the remaining steps, and then replaces this model.")


def describe_epochs(run: "UnfinishedRun") -> str:
    """Return the progress of a run, such as "3 of 10 epochs"."""
    return f"{run.epochs} of {run.train.epochs} epochs"


def resume_run(run: "UnfinishedRun") -> None:
    """Queue the remaining steps of a run, and watch the job."""
    own = own_jobs()
    try:
        job = training_queue().resume(run)
    except VaeError as error:
        show_error(error)
        return
    own.add(job.number)
    watch_job(job)
    _rerun()


def _discard(run: "UnfinishedRun") -> None:
    run.discard()
    _rerun()


def _rerun() -> None:
    unfinished_runs.clear()
    st.rerun(scope="app")


def _time_since(seconds: float) -> str:
    """Return a time such as "3 min ago"."""
    from vae.jobs.eta import format_rough_duration

    return "just now" if seconds < 5 else f"{format_rough_duration(seconds)} ago"
