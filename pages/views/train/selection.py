"""What this person watches: a job of the queue, or a run that was there before."""

import streamlit as st

from pages.state.training_queue import training_queue

JOB, OPENED = "job", "opened-run"


def watch_job(job) -> None:
    """From the next run on, this job."""
    st.session_state[JOB] = job.number
    st.session_state.pop(OPENED, None)


def open_run(name: str) -> None:
    """From the next run on, what came out of this run."""
    st.session_state[OPENED] = name


def opened_run() -> str | None:
    """The run that was opened last, if no job has been watched since."""
    return st.session_state.get(OPENED)


def choose_job():
    """This person's job, else the one under way, else the last; a picker where there are more."""
    jobs = training_queue().jobs
    if not jobs:
        return None
    numbers = [job.number for job in jobs]
    under_way = next((job.number for job in jobs if not job.ended), numbers[-1])
    current = st.session_state.get(JOB, under_way)
    if len(jobs) > 1:
        names = {job.number: f"{job.number}. {job.name}" for job in jobs}
        current = st.selectbox(
            "Run on this server",
            numbers[::-1],
            index=numbers[::-1].index(current),
            format_func=names.__getitem__,
            key=f"job-{current}",
        )
        st.session_state[JOB] = current
    return jobs[numbers.index(current)]
