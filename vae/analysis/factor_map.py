"""Which latent tells about which factor, for one run."""

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
    """Those that vary."""

    latents: tuple[int, ...]
    """Counted from 0, by falling rate."""

    rates: tuple[float, ...]
    """Theirs, in nats per test image."""

    shares: Float[np.ndarray, "latents factors"]
    """In [0, 1]."""

    rows: int
    """Test images behind it."""


def factor_map(run: Run, atlas: Atlas) -> FactorMap | None:
    """Of the posterior means of all test images; None where no factor is known to vary."""
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
