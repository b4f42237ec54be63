"""What becomes of a request: a job, a word on why not, or the way to the same run of before."""

import streamlit as st

from pages.state.models import choose, refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.views.train.form import request_form
from pages.views.train.resume import epochs_done, resume_run
from pages.views.train.selection import open_run, watch_job
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

OFFER = "finished-offer"


def ask() -> None:
    """The form, and the answer below it; whatever goes wrong, the form keeps what it holds."""
    try:
        request = request_form()
        if request is not None:
            answer(request)
        offer()
    except VaeError as error:
        show_error(error)


def answer(request) -> None:
    """Queue it, unless the very same has been trained, to its end or in part."""
    finished, begun = training_queue().find_finished(request), None
    if finished is None:
        begun = training_queue().find_unfinished(request)
    st.session_state.pop(OFFER, None)
    if finished is None and begun is None:
        submit(request)
    else:
        st.session_state[OFFER] = request, finished, begun


def offer() -> None:
    """Open or go on with what is there already, or train it anew: into a folder of its own."""
    if OFFER not in st.session_state:
        return
    request, finished, begun = st.session_state[OFFER]
    if finished is not None:
        offer_finished(finished.name)
    else:
        offer_begun(begun)
    if st.button("Train it all the same", key="train-anew", width="stretch"):
        st.session_state.pop(OFFER)
        submit(request)


def offer_finished(name: str) -> None:
    """Open what was trained to its end."""
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


def offer_begun(run) -> None:
    """Go on with what was trained in part: it comes out as if it had never stopped."""
    st.info(
        f"This very model was begun here: **{escaped(run.name)}**, {epochs_done(run)}. Going on "
        "gives what training it anew would give, and sooner.",
        icon=":material/info:",
    )
    if st.button("Go on with it", key="go-on-begun", type="primary", width="stretch"):
        st.session_state.pop(OFFER)
        resume_run(run)


def submit(request) -> None:
    """Queue it, and watch it."""
    own = own_jobs()
    job = training_queue().submit(request)
    own.add(job.number)
    watch_job(job)
