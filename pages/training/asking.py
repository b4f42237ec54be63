"""What becomes of a request: a job, a word on why not, or the way to the same run of before."""

import streamlit as st

from pages.shared.frame import show_error
from pages.shared.models import choose, refresh_catalogue
from pages.shared.text import escaped
from pages.shared.training import training_queue
from pages.training.chosen import open_run, watch_job
from pages.training.form import request_form
from pages.training.stopping import own_jobs
from vae.errors import VaeError

OFFER = "finished-offer"


def ask() -> None:
    """The form, and the answer below it; whatever goes wrong, the form keeps what it holds."""
    try:
        request = request_form()
        if request is not None:
            answer(request)
        offer_finished()
    except VaeError as error:
        show_error(error)


def answer(request) -> None:
    """Queue it, unless the very same has been trained to its end."""
    finished = training_queue().finished(request)
    st.session_state.pop(OFFER, None)
    if finished is None:
        submit(request)
    else:
        st.session_state[OFFER] = request, finished.name


def offer_finished() -> None:
    """Open what is there already, or train it anew: into a folder of its own."""
    if OFFER not in st.session_state:
        return
    request, name = st.session_state[OFFER]
    st.info(
        f"This very model is here already: **{escaped(name)}**. Another seed gives another one.",
        icon=":material/info:",
    )
    if st.button("Open it", key="open-finished", type="primary", width="stretch"):
        st.session_state.pop(OFFER)
        open_run(name)
        refresh_catalogue()
        choose(name)
        st.rerun()
    if st.button("Train it all the same", key="train-anew", width="stretch"):
        st.session_state.pop(OFFER)
        submit(request)


def submit(request) -> None:
    """Queue it, and watch it."""
    own = own_jobs()
    job = training_queue().submit(request)
    own.add(job.number)
    watch_job(job)
