"""Shows the screen Train: the settings, the queue, and the training of one model as it runs."""

import streamlit as st

from pages.server.access import apply_read_only_mode, note_if_read_only
from pages.state.training_queue import training_queue
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_run
from pages.views.train.finished import show_record, show_results
from pages.views.train.job_view import refresh_after_end, show_job, watch_until_end
from pages.views.train.queue_view import show_queue
from pages.views.train.selection import JOB, choose_watched, opened_run
from pages.views.train.submit import show_form
from vae.core.access import is_read_only

TRAIN = (
    "Choose a preset and press **Train**. The training continues when you change the page. When it "
    "ends, the model appears in the list of models."
)
WATCH = "This page shows how the model on the left was trained, epoch by epoch."


apply_read_only_mode()
open_page("Train", WATCH if is_read_only() else TRAIN)


def show_watched() -> None:
    """Show the run that was opened, or else the job that is watched."""
    if (name := opened_run()) is not None:
        show_results(name)
        return
    job = choose_watched("Run on this server", training_queue().jobs, JOB, lambda job: job.name)
    if job is None:
        st.info("Nothing has been trained on this server yet.", icon=":material/info:")
    elif job.ended:
        show_results(job.name)
        show_job(job)
    else:
        watch_until_end(job)


with handle_errors():
    run = pick_run()
    if note_if_read_only("Training"):
        if run is not None:
            show_record(run)
        st.stop()
    form, progress = st.columns([1, 2.6], gap="large")
    with form:
        show_form()
    with progress:
        refresh_after_end()
        show_queue()
        show_watched()
