"""Keeps the job or the finished run that this session watches."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from vae.jobs.jobs import Job, Sweep

T = TypeVar("T", "Job", "Sweep")

JOB, OPENED = "job", "opened-run"


def watch_job(job: "Job") -> None:
    """Watch a job; the choice takes effect at the next rerun."""
    st.session_state[JOB] = job.number
    st.session_state.pop(OPENED, None)


def open_run(name: str) -> None:
    """Open a finished run by its name; the choice takes effect at the next rerun."""
    st.session_state[OPENED] = name


def opened_run() -> str | None:
    """Return the name of the run that was opened last, if no job has been watched since."""
    return st.session_state.get(OPENED)


def choose_watched(
    label: str, entries: Sequence[T], key: str, title: Callable[[T], str]
) -> T | None:
    """Show a picker if there are several jobs or sweeps; return the choice, or None without any.

    The default is the entry that `key` of the session state names, or else the one that trains
    now, or else the newest.
    """
    if not entries:
        return None
    by_number = {entry.number: entry for entry in reversed(entries)}
    numbers = list(by_number)
    active = next((entry.number for entry in entries if not entry.ended), numbers[0])
    current = st.session_state.get(key, active)
    if len(numbers) > 1:
        current = st.selectbox(
            label,
            numbers,
            index=numbers.index(current) if current in by_number else 0,
            format_func=lambda number: f"{number}. {title(by_number[number])}",
            key=f"{key}-shown-{current}",
        )
        st.session_state[key] = current
    return by_number[current]
