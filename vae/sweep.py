"""What a sweep over betas and seeds is made of, and how long it may take."""

import dataclasses
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vae.config import Architecture, TrainConfig
from vae.errors import ConfigError
from vae.jobs import Job, Request
from vae.run import Run

MAX_BETAS = 10
MULTI_RATE = (0.1, 10.0)
"""The range that one model serves in place of a sweep (see `vae.gates`)."""


@dataclass(frozen=True)
class SweepDefaults:
    """What to begin with for a data set; warm-up is a quarter of the epochs."""

    architecture: Architecture = "mlp"
    latent_dim: int = 10
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 2e-3


_OF_DATASET = {
    "digits": SweepDefaults("mlp-deep", 8, epochs=40, batch_size=64),
    "cifar10": SweepDefaults("conv", 32),
    "sprites": SweepDefaults("conv"),
}
EXAMPLE_BETAS = "0.5, 1, 2, 4, 10"


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
        raise ConfigError(
            f"the betas are numbers with commas between them, such as {EXAMPLE_BETAS}"
        )
    if len(betas) > MAX_BETAS:
        raise ConfigError(f"{len(betas)} betas are too many for one sweep; give up to {MAX_BETAS}")
    return tuple(betas)


def sweep_requests(
    train: TrainConfig,
    architecture: Architecture,
    latent_dim: int,
    betas: Sequence[float],
    seeds: int,
) -> list[Request]:
    """One run per beta and seed, by beta; seeds count up from that of `train`."""
    return [
        Request(
            dataclasses.replace(train, beta=beta, seed=train.seed + seed), architecture, latent_dim
        )
        for beta in betas
        for seed in range(seeds)
    ]


def multi_rate_requests(
    train: TrainConfig, architecture: Architecture, latent_dim: int, seeds: int
) -> list[Request]:
    """One model per seed that serves all betas of MULTI_RATE, reported at beta 1."""
    return [
        Request(
            dataclasses.replace(train, beta=1.0, seed=train.seed + seed),
            architecture,
            latent_dim,
            beta_range=MULTI_RATE,
        )
        for seed in range(seeds)
    ]


def estimated_seconds(
    requests: Iterable[Request], jobs: Iterable[Job], runs: Iterable[Run]
) -> float | None:
    """How long requests may take, from what an epoch of their like took; None where none was.

    Like are those of the same data set and architecture: jobs of this server if there are some,
    else checkpoints, which other machines may have trained.
    """
    jobs, runs = list(jobs), list(runs)
    total = 0.0
    for request in requests:
        epoch = _job_epoch(request, jobs) or _run_epoch(request, runs)
        if epoch is None:
            return None
        total += epoch * request.train.epochs
    return total


def _job_epoch(request: Request, jobs: list[Job]) -> float | None:
    return _median(
        job.latest.seconds * job.latest.steps / (job.latest.step * job.request.train.epochs)
        for job in jobs
        if _like(request) == _like(job.request) and job.latest
    )


def _run_epoch(request: Request, runs: list[Run]) -> float | None:
    return _median(
        run.results.seconds / run.results.epochs_trained
        for run in runs
        if _like(request) == (run.train.dataset, run.model.architecture)
        and run.results.epochs_trained
    )


def _like(request: Request) -> tuple[str, Architecture]:
    return request.train.dataset, request.architecture


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None
