"""Requests for short and long trainings on digits, and waiting for the end of a job."""

import dataclasses
from typing import Any

from tests.support.waiting import wait_for
from vae.core.config import TrainConfig
from vae.jobs.jobs import Job
from vae.runs.request import RunRequest

SHORT = RunRequest.of(
    TrainConfig("digits", epochs=2, batch_size=64), architecture="mlp", latent_dim=2
)
LONG = RunRequest.of(TrainConfig("digits", epochs=10_000), architecture="mlp", latent_dim=2)
"""This training does not end within a test unless the test stops it."""


def varied(request: RunRequest, **settings: Any) -> RunRequest:
    """Return a request with some settings of its training changed."""
    return dataclasses.replace(request, train=dataclasses.replace(request.train, **settings))


def ended(job: Job) -> Job:
    """Wait until a job has ended, and return it."""
    wait_for(lambda: job.ended)
    return job
