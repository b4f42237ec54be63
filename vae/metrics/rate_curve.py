"""Measures a multi-rate model at each beta: its rate-distortion curve and its codes.

Example:
    curve = measure_rate_curve(model, split)
    print(curve.objective(beta=2.0))
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vae.data.splits import Split
from vae.metrics.evaluation import ACTIVE_VARIANCE, encode_split, evaluate
from vae.models.vae import VAE

STEPS_PER_DECADE = 8
"""Grid steps per decade of beta: each beta is 1.33 times the one before."""


@dataclass(frozen=True)
class RateCurve:
    """Measures over the test split at each beta of a grid, losses in nats per image."""

    betas: Float[np.ndarray, "grid"]
    """Rising, at equal steps of log(beta), from the lowest to the highest of the model's range."""

    distortion: Float[np.ndarray, "grid"]
    """-log p(x|z), estimated with one posterior sample per image."""

    rate_per_dimension: Float[np.ndarray, "grid latent"]
    """KL(q(z|x) || p(z)) in closed form."""

    mean_variances: Float[np.ndarray, "grid latent"]
    """Variance over the split of each dimension's posterior mean."""

    means: Float[np.ndarray, "grid n latent"]
    """Posterior means of the test images, in the order of the split."""

    @property
    def rate(self) -> Float[np.ndarray, "grid"]:
        """The rate, summed over the dimensions."""
        return self.rate_per_dimension.sum(axis=1)

    @property
    def active(self) -> Bool[np.ndarray, "grid latent"]:
        """Whether each dimension is active at each beta, by Burda's criterion."""
        return self.mean_variances > ACTIVE_VARIANCE

    def objective(self, beta: float) -> float:
        """Returns distortion + beta * rate at a beta of the range, interpolated over log(beta)."""
        place = math.log(beta)
        grid = np.log(self.betas)
        distortion = np.interp(place, grid, self.distortion)
        return float(distortion + beta * np.interp(place, grid, self.rate))

    def means_of(self, index: int) -> Float[np.ndarray, "grid latent"]:
        """Returns one test image's posterior mean at each beta."""
        return self.means[:, index]


def beta_grid(low: float, high: float) -> Float[np.ndarray, "grid"]:
    """Returns at least two betas from low to high, at equal steps of their logarithm."""
    steps = max(1, round(STEPS_PER_DECADE * math.log10(high / low)))
    return np.geomspace(low, high, steps + 1)


def measure_rate_curve(model: VAE, split: Split, seed: int = 0) -> RateCurve:
    """Evaluates a multi-rate model at each beta of its grid; `seed` sets the posterior samples."""
    assert model.config.beta_range is not None
    betas = beta_grid(*model.config.beta_range)
    plain = [model.at_beta(float(beta)) for beta in betas]
    found = [evaluate(one, split, seed) for one in plain]
    return RateCurve(
        betas,
        np.array([f.distortion for f in found]),
        np.array([f.rate_per_dimension for f in found]),
        np.array([f.mean_variances for f in found]),
        np.stack([encode_split(one, split).mean.numpy() for one in plain]),
    )
