"""Prior coverage: how much of the space around and between the codes decodes to a digit.

An autoencoder is free to scatter its codes; a VAE pays for each nat by which they leave the prior.
Both are judged alike: codes drawn from the standard normal prior; codes drawn from a normal
distribution with the mean and the covariance of the model's own codes, which forgives an
autoencoder their place and scale; and the middles of the straight ways between the codes of two
test images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.analysis.eval_classifier import EvalClassifier
from vae.core.record import Record
from vae.explorer import Explorer

SURE = 0.9
"""An image is recognised when the classifier gives one class at least this probability."""


@dataclass(frozen=True)
class PriorCoverage(Record):
    """Shares of images, 0 to 1, that the classifier recognises."""

    reconstructions: float
    """Of decoded codes of test images: what the decoder can do at best."""

    prior: float
    """Of decoded draws from the standard normal distribution, a VAE's prior."""

    samples: float
    """Of decoded draws from the normal distribution fitted to the codes."""

    middles: float
    """Of decoded middles between the codes of two test images."""

    count: int
    """Images of each."""


def fitted_samples(explorer: Explorer, count: int, seed: int) -> Float[np.ndarray, "n latent"]:
    """Draws from the normal distribution with the mean and the covariance of the test codes."""
    codes = explorer.atlas.mean.astype(np.float64)
    covariance = np.atleast_2d(np.cov(codes.T))
    drawn = np.random.default_rng(seed).multivariate_normal(codes.mean(0), covariance, count)
    return drawn.astype(np.float32)


def middles(explorer: Explorer, count: int, seed: int) -> Float[np.ndarray, "n latent"]:
    """Middles between the codes of random pairs of test images."""
    codes = explorer.atlas.mean
    pairs = np.random.default_rng(seed).integers(len(codes), size=(2, count))
    return codes[pairs].mean(axis=0)


def measure_prior_coverage(
    explorer: Explorer, classifier: EvalClassifier, count: int = 2000, seed: int = 0
) -> PriorCoverage:
    """How much of what lies around and between the codes the classifier recognises."""
    chosen = np.random.default_rng(seed).integers(len(explorer.atlas.mean), size=count)
    noise = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    places = {
        "reconstructions": explorer.atlas.mean[chosen],
        "prior": explorer.prior_codes(noise),
        "samples": fitted_samples(explorer, count, seed),
        "middles": middles(explorer, count, seed),
    }
    shares = {name: recognised_share(classifier, explorer.decode(z)) for name, z in places.items()}
    return PriorCoverage(**shares, count=count)


def recognised_share(classifier: EvalClassifier, images: Float[np.ndarray, "n h w c"]) -> float:
    """The share of images of which the classifier is SURE."""
    return float((classifier.probabilities(images).max(axis=1) >= SURE).mean())
