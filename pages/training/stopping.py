"""Who may stop what: everyone their own job at once, and another's after a question.

There are no accounts. A teacher has to be able to stop what holds up the class, and a wrong click
must not end what somebody else waits for.
"""

from typing import Literal

import streamlit as st

from pages.shared.training import training_queue

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


def stop_button(jobs: list, key: str, is_small: bool = False) -> None:
    """Stops all of these jobs, which stand or wait together."""
    label = stop_label(jobs, is_small)
    waits = all(job.stopping and job.status != "saving" for job in jobs)
    look: Look = "tertiary" if is_small else "secondary"
    if waits or all(is_own(job) for job in jobs):
        st.button(label, key=key, type=look, disabled=waits, on_click=stop, args=(jobs,))
        return
    with st.popover(label, key=f"{key}-question", type=look):
        st.markdown("Somebody else started this.")
        st.button("Stop it all the same", key=key, on_click=stop, args=(jobs,))


def stop_label(jobs: list, is_small: bool) -> str:
    """What the button does to them."""
    if all(job.status == "queued" for job in jobs):
        return "Cancel"
    if all(job.stopping and job.status == "saving" for job in jobs):
        return "Stop measuring"
    if len(jobs) > 1:
        return "Stop all"
    return "Stop" if is_small else "Stop and keep it"


def stop(jobs: list) -> None:
    """Stop whatever of them has not ended."""
    for job in jobs:
        if not job.ended:
            training_queue().stop(job)
