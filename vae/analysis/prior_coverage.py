"""Measures how much of the latent space around and between the codes decodes to clear images.

Nothing keeps an autoencoder's codes near the origin, while a VAE pays a rate for leaving the prior.
Both are measured on the same three sets of codes:

- samples from the standard normal prior;
- samples from a normal distribution with the mean and covariance of the model's own codes, which
  allows for an autoencoder's own position and scale;
- midpoints between the codes of two test images.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-autoencoder")
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> measure_prior_coverage(explorer, classifier).prior
    0.002
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.analysis.eval_classifier import EvalClassifier
from vae.core.record import Record
from vae.explorer import Explorer

SURE = 0.9
"""An image counts as recognised when the classifier gives one class at least this probability."""


@dataclass(frozen=True)
class PriorCoverage(Record):
    """Shares of decoded images, 0 to 1, that the classifier recognises."""

    reconstructions: float
    """Share of reconstructed test images: the most that the decoder can reach."""

    prior: float
    """Share of samples from the standard normal distribution, a VAE's prior."""

    samples: float
    """Share of samples from the normal distribution that is fitted to the codes."""

    middles: float
    """Share of midpoints between the codes of two test images."""

    count: int
    """Number of images in each set."""


def fitted_samples(explorer: Explorer, count: int, seed: int) -> Float[np.ndarray, "n latent"]:
    """Sample the normal distribution with the mean and the covariance of the test codes."""
    codes = explorer.atlas.mean.astype(np.float64)
    covariance = np.atleast_2d(np.cov(codes.T))
    samples = np.random.default_rng(seed).multivariate_normal(codes.mean(0), covariance, count)
    return samples.astype(np.float32)


def middles(explorer: Explorer, count: int, seed: int) -> Float[np.ndarray, "n latent"]:
    """Return midpoints between the codes of random pairs of test images."""
    codes = explorer.atlas.mean
    pairs = np.random.default_rng(seed).integers(len(codes), size=(2, count))
    return codes[pairs].mean(axis=0)


def measure_prior_coverage(
    explorer: Explorer, classifier: EvalClassifier, count: int = 2000, seed: int = 0
) -> PriorCoverage:
    """Measure the share of recognised images for each set of codes."""
    chosen = np.random.default_rng(seed).integers(len(explorer.atlas.mean), size=count)
    noise = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    sets = {
        "reconstructions": explorer.atlas.mean[chosen],
        "prior": explorer.prior_codes(noise),
        "samples": fitted_samples(explorer, count, seed),
        "middles": middles(explorer, count, seed),
    }
    shares = {
        name: recognised_share(classifier.probabilities(explorer.decode(codes)))
        for name, codes in sets.items()
    }
    return PriorCoverage(**shares, count=count)


def recognised_share(probabilities: Float[np.ndarray, "n classes"]) -> float:
    """Return the share of images for which the classifier is at least SURE of one class."""
    return float((probabilities.max(axis=1) >= SURE).mean())
