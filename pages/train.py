"""Train: choose, press, and watch distortion fall and the dimensions wake up or die."""

import streamlit as st

from pages.server.access import apply_read_only_mode, note_if_read_only
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_run
from pages.views.train.finished import show_finished_run
from pages.views.train.job_view import look_again, show_finished, show_job, watch
from pages.views.train.queue_view import show_queue
from pages.views.train.selection import choose_job, opened_run
from pages.views.train.submit import ask
from vae.core.access import is_read_only

TRAIN = (
    "Choose a preset and press **Train**. The run goes on when you change page; when it ends, it "
    "is a model like the others."
)
WATCH = "How the model on the left was trained, epoch by epoch."


apply_read_only_mode()
open_page("Train", WATCH if is_read_only() else TRAIN)


def show_chosen() -> None:
    """The run that was opened, else the job that is watched."""
    if (name := opened_run()) is not None:
        show_finished(name)
        return
    job = choose_job()
    if job is None:
        st.info("Nothing has been trained on this server yet.", icon=":material/info:")
    elif job.ended:
        show_finished(job.name)
        show_job(job)
    else:
        watch(job)


with handle_errors():
    run = pick_run()
    if note_if_read_only("Training"):
        if run is not None:
            show_finished_run(run)
        st.stop()
    form, progress = st.columns([1, 2.6], gap="large")
    with form:
        ask()
    with progress:
        look_again()
        show_queue()
        show_chosen()
