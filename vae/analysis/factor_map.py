"""Measures which latent dimension of a run carries information about which factor.

Example:
    >>> run = load_run("checkpoints/sprites-tc-4-seed-1")
    >>> factor_map(run, load_atlas(run)).factors
    ('shape', 'scale', 'orientation', 'x', 'y')
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.metrics.disentanglement import normalised_information
from vae.runs.checkpoint import Atlas
from vae.runs.run import Run


@dataclass(frozen=True)
class FactorMap:
    """Mutual information of each latent with each factor, as a share of the factor's entropy."""

    factors: tuple[str, ...]
    """Names of the factors that vary."""

    latents: tuple[int, ...]
    """Latent dimensions, counted from 0, by falling rate."""

    rates: tuple[float, ...]
    """Rates of these dimensions, in nats per test image."""

    shares: Float[np.ndarray, "latents factors"]
    """Normalised mutual information, in [0, 1]."""

    rows: int
    """Number of test images."""


def factor_map(run: Run, atlas: Atlas) -> FactorMap | None:
    """Measure the posterior means of all test images; returns None when no factor varies."""
    if atlas.factors is None:
        return None
    varying = np.flatnonzero(np.ptp(atlas.factors, axis=0) > 0)
    if not len(varying):
        return None
    rates = run.results.test_rate_per_dimension
    order = sorted(range(run.model.latent_dim), key=lambda latent: -rates[latent])
    return FactorMap(
        factors=tuple(run.factors[k].name for k in varying),
        latents=tuple(order),
        rates=tuple(rates[latent] for latent in order),
        shares=normalised_information(atlas.mean[:, order], atlas.factors[:, varying]),
        rows=len(atlas.mean),
    )
