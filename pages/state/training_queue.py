"""The server's one training queue, shared by all sessions."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from vae.jobs.queue import TrainingQueue


@st.cache_resource(show_spinner=False)
def training_queue() -> "TrainingQueue":
    """Made once per server; its process trains one job after the other beside the pages."""
    from vae.jobs.queue import TrainingQueue
    from vae.runs.folders import checkpoints_dir

    queue = TrainingQueue(checkpoints_dir())
    queue.process.start()
    return queue
