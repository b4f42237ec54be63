"""Builds the requests of a sweep over betas and seeds, with defaults for each data set.

Example:
    >>> parse_betas("4, 0.5 1")
    (0.5, 1.0, 4.0)
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from vae.core.config import Architecture, TrainConfig
from vae.core.errors import ConfigError
from vae.runs.request import RunRequest

MAX_BETAS = 10
MULTI_RATE = (0.1, 10.0)
"""The betas that one multi-rate model covers instead of a sweep (`vae.models.networks.gates`)."""


@dataclass(frozen=True)
class SweepDefaults:
    """Default settings of a sweep for one data set. Warm-up takes a quarter of the epochs."""

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


def sweep_defaults(dataset: str) -> SweepDefaults:
    """Return settings that show a result within seconds on digits, within minutes elsewhere."""
    return _OF_DATASET.get(dataset, SweepDefaults())


def parse_betas(text: str) -> tuple[float, ...]:
    """Parse a text such as "0.5, 1, 2" to distinct betas in rising order.

    Raises ConfigError for a text that is no list of numbers, or that has more than MAX_BETAS.
    """
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
    """Return one request per beta and seed.

    All betas of one seed come first, so that a complete comparison exists early. Seeds count up
    from that of `train`.
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
    """Return one multi-rate model per seed. It covers MULTI_RATE and reports results at beta 1."""
    return [
        RunRequest.of(
            dataclasses.replace(train, beta=1.0, seed=train.seed + seed),
            architecture=architecture,
            latent_dim=latent_dim,
            beta_range=MULTI_RATE,
        )
        for seed in range(seeds)
    ]
