"""How much training one server takes: how many jobs, and of what size.

Three environment variables change it, all of them read when the server starts:

    LATENT_MAX_JOBS            jobs that wait or are under way at a time, the runs of a sweep each
                               for itself; 50, so that one sweep of the largest kind finds room
    LATENT_MAX_JOB_MINUTES     the size of one job; 60
    LATENT_TRAINING_GIGABYTES  memory of the training process (`vae.jobs.worker_main`); unlimited

A job's size is known before anything is read: the multiplications of its network for one image,
times three (forward, and twice that backward), times the training images, times the epochs, as
minutes of one core at CORE_SPEED. It is a size and no forecast: machines differ.
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
"""Operations per second of one ordinary core, all of a step included."""

CLASSES = 10
"""Of a data set that has not been read; they hardly change a network's size."""


@dataclass(frozen=True)
class Limits:
    """What a server takes; LimitError says what is too much."""

    jobs: int = 50
    minutes: float = 60.0

    @classmethod
    def from_environment(cls) -> "Limits":
        """Those of the environment, else the defaults; ConfigError for what is no number."""
        _number(MEMORY_VARIABLE, 0.0)
        return cls(int(_number(JOBS_VARIABLE, cls.jobs)), _number(MINUTES_VARIABLE, cls.minutes))

    def check(self, requests: Sequence[RunRequest], under_way: int) -> None:
        """LimitError where these would be too many, or one of them too large."""
        if under_way + len(requests) > self.jobs:
            raise LimitError(
                f"this server takes {self.jobs} jobs at a time, and {under_way} wait or train "
                f"already; {_ask(len(requests), self.jobs - under_way)}"
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
    """A job's size; of a folder's images as if they were in colour and FOLDER_SIDE wide."""
    train = request.train
    shape = image_shape_of(train.dataset)
    images = training_image_count(train.dataset) * (1 - train.validation_fraction)
    model = replace(request.model_for(shape, CLASSES), beta_range=None)
    return 3 * _operations(model) * images * train.epochs / CORE_SPEED / 60


@cache
def _operations(model: ModelConfig) -> int:
    """Multiplications and additions for one image, encoded and decoded."""
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


def _ask(wanted: int, free: int) -> str:
    if free > 0 and wanted > 1:
        return f"ask for {free} instead of {wanted}, or again when some have ended"
    return "ask again when some have ended"


def _duration(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
