"""Queues the request of the form, or offers the same run if it exists already."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import choose, refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.views.train.form import request_form
from pages.views.train.resume import describe_epochs, resume_run
from pages.views.train.selection import open_run, watch_job
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.jobs.unfinished import UnfinishedRun
    from vae.runs.request import RunRequest

OFFER = "finished-offer"


def show_form() -> None:
    """Show the form, and below it what happened to the request; the form keeps its values."""
    try:
        request = request_form()
        if request is not None:
            _submit_or_offer(request)
        _show_offer()
    except VaeError as error:
        show_error(error)


def _submit_or_offer(request: "RunRequest") -> None:
    """Queue a request, unless the same run exists, finished or partly trained."""
    finished, unfinished = training_queue().find_finished(request), None
    if finished is None:
        unfinished = training_queue().find_unfinished(request)
    st.session_state.pop(OFFER, None)
    if finished is None and unfinished is None:
        _submit(request)
    else:
        st.session_state[OFFER] = request, finished, unfinished


def _show_offer() -> None:
    """Offer to open or resume the existing run, or to train again in a folder of its own."""
    if OFFER not in st.session_state:
        return
    request, finished, unfinished = st.session_state[OFFER]
    if finished is not None:
        _offer_finished(finished.name)
    else:
        _offer_unfinished(unfinished)
    if st.button("Train again anyway", key="train-anew", width="stretch"):
        st.session_state.pop(OFFER)
        _submit(request)


def _offer_finished(name: str) -> None:
    st.info(
        f"This model exists already: **{escaped(name)}**. Another seed gives another model.",
        icon=":material/info:",
    )
    if st.button("Open it", key="open-finished", type="primary", width="stretch"):
        st.session_state.pop(OFFER)
        open_run(name)
        refresh_catalogue()
        choose(name)
        st.rerun()


def _offer_unfinished(run: "UnfinishedRun") -> None:
    st.info(
        f"This model is already partly trained: **{escaped(run.name)}**, {describe_epochs(run)}. "
        "To resume it gives the same result as to train it again, and takes less time.",
        icon=":material/info:",
    )
    if st.button("Resume it", key="go-on-begun", type="primary", width="stretch"):
        st.session_state.pop(OFFER)
        resume_run(run)


def _submit(request: "RunRequest") -> None:
    own = own_jobs()
    job = training_queue().submit(request)
    own.add(job.number)
    watch_job(job)
