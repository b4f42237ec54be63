"""Shows buttons that stop jobs: one's own at once, those of others after a question.

The app has no accounts. A teacher must be able to stop a job that blocks the class, and a wrong
click must not stop the job of another person.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.state.training_queue import training_queue

if TYPE_CHECKING:
    from vae.jobs.jobs import Job

OWN = "own-jobs"
Look = Literal["secondary", "tertiary"]


def own_jobs() -> set[int]:
    """Return the numbers of the jobs that this session started; callers add to them.

    Call this before you submit a job. If somebody presses a button in the meantime, Streamlit ends
    the page's run at its next access to the session state, and the job would belong to nobody.
    """
    return st.session_state.setdefault(OWN, set())


def is_own(job: "Job") -> bool:
    """Return whether this session started the job."""
    return job.number in st.session_state.get(OWN, ())


def stop_button(
    jobs: "Sequence[Job]",
    key: str,
    look: Look = "secondary",
    label: str = "",
    on_stop: "Callable[[Sequence[Job]], None] | None" = None,
) -> None:
    """Show a button that stops jobs which belong together.

    Args:
        jobs: The jobs to stop.
        key: The widget's key in the session state.
        look: The button's type.
        label: The button's text; if empty, it says what the button does to the jobs.
        on_stop: The function that stops the jobs; if None, they are stopped one by one.
    """
    label, act = label or _label(jobs), on_stop or _stop
    waits = all(job.stopping and job.status != "saving" for job in jobs)
    if waits or all(map(is_own, jobs)):
        st.button(label, key=key, type=look, disabled=waits, on_click=act, args=(jobs,))
        return
    with st.popover(label, key=f"{key}-question", type=look):
        st.markdown("Somebody else started this.")
        st.button("Stop it anyway", key=key, on_click=act, args=(jobs,))


def _label(jobs: "Sequence[Job]") -> str:
    if all(job.status == "queued" for job in jobs):
        return "Cancel"
    if all(job.stopping and job.status == "saving" for job in jobs):
        return "Skip evaluation"
    return "Stop" if len(jobs) == 1 else "Stop all"


def _stop(jobs: "Sequence[Job]") -> None:
    for job in jobs:
        if not job.ended:
            training_queue().stop(job)
