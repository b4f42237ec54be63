"""Creates the training queue of the server, which all sessions share."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from vae.jobs.queue import TrainingQueue


@st.cache_resource(show_spinner=False)
def training_queue() -> "TrainingQueue":
    """Return the queue, created at the first call; its own process trains one job after another."""
    from vae.jobs.queue import TrainingQueue
    from vae.runs.folders import checkpoints_dir

    queue = TrainingQueue(checkpoints_dir())
    queue.process.start()
    return queue
