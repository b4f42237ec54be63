"""Limits the number and the size of the jobs that one server accepts.

Three environment variables set the limits. The server reads them when it starts:

    LATENT_MAX_JOBS            jobs that wait or run at a time; each run of a sweep counts. The
                               default of 50 admits one sweep of the largest kind
    LATENT_MAX_JOB_MINUTES     the size of one job in minutes; 60 by default
    LATENT_TRAINING_GIGABYTES  memory of the training process (`vae.jobs.worker_main`); unlimited
                               by default

The size of a job follows from its settings alone. It is the operations of the network for one
image, times three (one forward pass, and a backward pass of twice that), times the training
images, times the epochs. CORE_SPEED converts it to minutes of one core. It measures size and does
not predict the duration, because machines differ.

Example:
    >>> Limits(jobs=2).check([request], active_jobs=1)
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from vae.core.config import ModelConfig
from vae.core.errors import ConfigError, LimitError
from vae.data.registry import image_shape_of, training_image_count
from vae.jobs.worker_main import MEMORY_VARIABLE
from vae.models import build
from vae.models.condition import Condition
from vae.runs.request import RunRequest

JOBS_VARIABLE = "LATENT_MAX_JOBS"
MINUTES_VARIABLE = "LATENT_MAX_JOB_MINUTES"
CORE_SPEED = 3e10
"""Operations per second of an ordinary core, averaged over a whole training step."""

CLASSES = 10
"""Assumed number of classes of a data set that is not loaded; it hardly changes the size."""


@dataclass(frozen=True)
class Limits:
    """The limits of one server: the number of active jobs, and the minutes of each job."""

    jobs: int = 50
    minutes: float = 60.0

    @classmethod
    def from_environment(cls) -> "Limits":
        """Read the environment. Raises ConfigError for a value that is no number."""
        _number(MEMORY_VARIABLE, 0.0)
        return cls(int(_number(JOBS_VARIABLE, cls.jobs)), _number(MINUTES_VARIABLE, cls.minutes))

    def check(self, requests: Sequence[RunRequest], active_jobs: int) -> None:
        """Raise LimitError if the requests are too many, or if one of them is too large."""
        if active_jobs + len(requests) > self.jobs:
            raise LimitError(
                f"this server takes {self.jobs} jobs at a time, and {active_jobs} wait or train "
                f"already; {_advice(len(requests), self.jobs - active_jobs)}"
            )
        for request in requests:
            found = minutes(request)
            if found > self.minutes:
                raise LimitError(
                    f"this would take about {_duration(found)} of one core, and this server takes "
                    f"jobs of up to {_duration(self.minutes)}; choose fewer epochs, a smaller "
                    "network or fewer images"
                )


def minutes(request: RunRequest) -> float:
    """Return the size of a job. Images of a folder count as colour images, FOLDER_SIDE wide."""
    train = request.train
    shape = image_shape_of(train.dataset)
    images = training_image_count(train.dataset) * (1 - train.validation_fraction)
    model = replace(request.model_for(shape, CLASSES), beta_range=None)
    return 3 * _operations(model) * images * train.epochs / CORE_SPEED / 60


@cache
def _operations(model: ModelConfig) -> int:
    """Count the multiplications and additions that encode and decode one image."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        built = build.build(model)
        label = torch.zeros(1, dtype=torch.long)
        code = built.encode(torch.zeros(1, *model.image_shape), Condition(labels=label)).mean
        if model.is_generative:
            built.decode_mean(code, Condition(labels=label))
    return counter.get_total_flops()


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable) or str(default)
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e9:
        raise ConfigError(f"{variable} must be a number of 0 or more, not {text!r:.40}")
    return found


def _advice(wanted: int, free: int) -> str:
    if free > 0 and wanted > 1:
        return f"ask for {free} instead of {wanted}, or again when some have ended"
    return "ask again when some have ended"


def _duration(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
