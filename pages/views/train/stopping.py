"""Who may stop what: everyone their own job at once, and another's after a question.

There are no accounts. A teacher has to be able to stop what holds up the class, and a wrong click
must not end what somebody else waits for.
"""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from pages.state.training_queue import training_queue

OWN = "own-jobs"
Look = Literal["secondary", "tertiary"]


def own_jobs() -> set[int]:
    """The numbers of the jobs that this person started in this session; to be added to.

    Got hold of before a job is queued: whoever presses another button meanwhile ends the page's run
    where it next asks for its state.
    """
    return st.session_state.setdefault(OWN, set())


def is_own(job) -> bool:
    """Whether this person started it, in this session."""
    return job.number in st.session_state.get(OWN, ())


def stop_button(
    jobs: list,
    key: str,
    look: Look = "secondary",
    label: str = "",
    on_stop: Callable[[list], None] | None = None,
) -> None:
    """Stops all of these jobs, which stand or wait together; by `on_stop`, where that is given."""
    label, act = label or stop_label(jobs), on_stop or stop
    waits = all(job.stopping and job.status != "saving" for job in jobs)
    if waits or all(is_own(job) for job in jobs):
        st.button(label, key=key, type=look, disabled=waits, on_click=act, args=(jobs,))
        return
    with st.popover(label, key=f"{key}-question", type=look):
        st.markdown("Somebody else started this.")
        st.button("Stop it all the same", key=key, on_click=act, args=(jobs,))


def stop_label(jobs: list) -> str:
    """What the button does to them."""
    if all(job.status == "queued" for job in jobs):
        return "Cancel"
    if all(job.stopping and job.status == "saving" for job in jobs):
        return "Stop measuring"
    return "Stop" if len(jobs) == 1 else "Stop all"


def stop(jobs: list) -> None:
    """Stop whatever of them has not ended."""
    for job in jobs:
        if not job.ended:
            training_queue().stop(job)
