"""What a sweep over betas and seeds is made of, and how long it may take."""

import dataclasses
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vae.core.config import Architecture, TrainConfig
from vae.core.errors import ConfigError
from vae.jobs.jobs import Job
from vae.runs.request import RunRequest
from vae.runs.run import Run

MAX_BETAS = 10
MULTI_RATE = (0.1, 10.0)
"""The range that one model serves in place of a sweep (see `vae.models.networks.gates`)."""


@dataclass(frozen=True)
class SweepDefaults:
    """What to begin with for a data set; warm-up is a quarter of the epochs."""

    architecture: Architecture = "mlp"
    latent_dim: int = 10
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 2e-3
    betas: str = "0.5, 1, 2, 4, 10"


_OF_DATASET = {
    "digits": SweepDefaults("mlp-deep", 8, 40, 64, betas="0.1, 0.3, 1, 2"),
    "cifar10": SweepDefaults("conv", 32),
    "sprites": SweepDefaults("conv"),
}
STATED_EPOCHS: dict[tuple[str, Architecture], float] = {
    ("digits", "mlp"): 0.1,
    ("digits", "mlp-deep"): 0.11,
    ("digits", "conv"): 0.3,
}
"""Seconds for one epoch on one core of a laptop, for a server that has trained nothing yet."""


def sweep_defaults(dataset: str) -> SweepDefaults:
    """Settings that show something within seconds on digits, within minutes elsewhere."""
    return _OF_DATASET.get(dataset, SweepDefaults())


def parse_betas(text: str) -> tuple[float, ...]:
    """The numbers of a text such as "0.5, 1, 2", rising, each once; ConfigError for any other."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    try:
        betas = sorted({float(part) for part in parts})
    except ValueError:
        betas = []
    if not betas or not all(math.isfinite(beta) for beta in betas):
        raise ConfigError("the betas are numbers with commas between them, such as 0.5, 1, 4")
    if len(betas) > MAX_BETAS:
        raise ConfigError(f"{len(betas)} betas are too many for one sweep; give up to {MAX_BETAS}")
    return tuple(betas)


def sweep_requests(
    train: TrainConfig,
    architecture: Architecture,
    latent_dim: int,
    betas: Sequence[float],
    seeds: int,
) -> list[RunRequest]:
    """One run per beta and seed, by seed, so that a first whole family is there soon.

    Seeds count up from that of `train`.
    """
    return [
        RunRequest.of(
            dataclasses.replace(train, beta=beta, seed=train.seed + seed),
            architecture=architecture,
            latent_dim=latent_dim,
        )
        for seed in range(seeds)
        for beta in betas
    ]


def multi_rate_requests(
    train: TrainConfig, architecture: Architecture, latent_dim: int, seeds: int
) -> list[RunRequest]:
    """One model per seed that serves all betas of MULTI_RATE, reported at beta 1."""
    return [
        RunRequest.of(
            dataclasses.replace(train, beta=1.0, seed=train.seed + seed),
            architecture=architecture,
            latent_dim=latent_dim,
            beta_range=MULTI_RATE,
        )
        for seed in range(seeds)
    ]


@dataclass(frozen=True)
class Estimate:
    """How long something may take, and where that is known from."""

    seconds: float
    source: Literal["jobs", "checkpoints", "stated"]
    """Jobs of this server, checkpoints that other machines may have trained, or STATED_EPOCHS."""


def estimate(
    requests: Sequence[RunRequest], jobs: Iterable[Job], runs: Iterable[Run]
) -> Estimate | None:
    """How long requests that differ in beta and seed alone may take; None where nothing is known.

    Known is what an epoch took of the same data set and architecture.
    """
    first = requests[0]
    like = first.train.dataset, first.model.architecture
    stated = [STATED_EPOCHS[like]] if like in STATED_EPOCHS else []
    known: list[tuple[Literal["jobs", "checkpoints", "stated"], list[float]]] = [
        ("jobs", _job_epochs(like, jobs)),
        ("checkpoints", _run_epochs(like, runs)),
        ("stated", stated),
    ]
    epochs = sum(request.train.epochs for request in requests)
    for source, seconds in known:
        if seconds:
            return Estimate(epochs * statistics.median(seconds), source)
    return None


def _job_epochs(like: tuple[str, Architecture], jobs: Iterable[Job]) -> list[float]:
    return [
        job.latest.seconds * job.latest.steps / (job.latest.step * job.request.train.epochs)
        for job in jobs
        if like == (job.request.train.dataset, job.request.model.architecture)
        and job.latest
        and job.begun is not None
    ]


def _run_epochs(like: tuple[str, Architecture], runs: Iterable[Run]) -> list[float]:
    return [
        run.results.seconds / run.results.epochs_trained
        for run in runs
        if like == (run.train.dataset, run.model.architecture) and run.results.epochs_trained
    ]


def roughly(seconds: float) -> str:
    """A duration that is only guessed, such as "20 s" or "3 min"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"


def to_the_second(seconds: float) -> str:
    """A duration that is measured or counts down, such as "20 s" or "3:05 min"."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole // 60 % 60:02} h"
