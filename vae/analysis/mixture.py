"""Fits a better prior after training: a Gaussian mixture on codes of training images.

Training pulls the codes of all images together, the aggregate posterior q(z) = mean of q(z|x),
towards the prior, but never makes the two equal. A mixture that is fitted to samples from q(z) is
closer to it (Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", section 4). Its
gain in log density on other samples is its gain in the ELBO, in nats: of the rate, only the
cross-entropy with the prior changes (Hoffman and Johnson 2016, "ELBO surgery").

Example:
    >>> mixture = fit_mixture(codes, components=10)
    >>> gain = mixture.log_density(other_codes) - prior_log_density(other_codes)
    >>> images = explorer.decode(mixture.sample(16, seed=0))
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.core.errors import ConfigError

CHOICES = (1, 2, 5, 10, 20, 40)
"""Numbers of components that `choose_components` tries."""

HELD_OUT = 0.25
"""Share of the codes on which `choose_components` compares them."""

LEAST_VARIANCE = 1e-4
"""Added to each variance, so that no component shrinks onto one code."""

ROUNDS = 50
"""Largest number of rounds of expectation and maximisation."""

Codes = Float[np.ndarray, "_ latent"]


@dataclass(frozen=True)
class Mixture:
    """A mixture of normal distributions with full covariances."""

    weights: Float[np.ndarray, "components"]
    means: Float[np.ndarray, "components latent"]
    covariances: Float[np.ndarray, "components latent latent"]

    def log_density(self, codes: Codes) -> Float[np.ndarray, "_"]:
        """Return log p(z) of each code, in nats."""
        parts = [
            np.log(weight) + _log_normal(codes - mean, covariance)
            for weight, mean, covariance in zip(
                self.weights, self.means, self.covariances, strict=True
            )
        ]
        return np.logaddexp.reduce(parts)

    def sample(self, count: int, seed: int, temperature: float = 1.0) -> Codes:
        """Sample codes; `temperature` scales the standard deviations within components."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self.weights), count, p=self.weights)
        noise = generator.standard_normal((count, self.means.shape[1]))
        roots = np.linalg.cholesky(self.covariances)
        offsets = np.einsum("nij,nj->ni", roots[chosen], noise)
        return (self.means[chosen] + temperature * offsets).astype(np.float32)


def prior_log_density(codes: Codes) -> Float[np.ndarray, "_"]:
    """Return log p(z) of each code under the standard normal prior, in nats."""
    return _log_normal(codes, np.eye(codes.shape[1]))


def fit_mixture(codes: Codes, components: int, seed: int = 0) -> Mixture:
    """Fit a mixture by expectation-maximisation (at most ROUNDS), which k-means++ initialises.

    Raises ConfigError for fewer codes than components, or fewer than two codes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(codes) < max(2, components):
        raise ConfigError(
            f"a mixture of {components} needs {max(2, components)} codes or more, not "
            f"{len(codes)}; ask for fewer components"
        )
    fitted = GaussianMixture(
        components,
        reg_covar=LEAST_VARIANCE,
        max_iter=ROUNDS,
        tol=1e-2,
        init_params="k-means++",
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A mixture that is stopped early is still a density, and is measured on other codes.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(codes.astype(np.float64))
    return Mixture(fitted.weights_, fitted.means_, fitted.covariances_)


def choose_components(codes: Codes, choices: Sequence[int] = CHOICES, seed: int = 0) -> int:
    """Return the number of components with the highest log density on held-out codes."""
    order = np.random.default_rng(seed).permutation(len(codes))
    count = max(1, int(HELD_OUT * len(codes)))
    fitted, held_out = codes[order[count:]], codes[order[:count]]
    if len(choices) == 1:
        return choices[0]
    scores = {k: fit_mixture(fitted, k, seed).log_density(held_out).mean() for k in choices}
    return max(choices, key=scores.__getitem__)


def _log_normal(
    offsets: Codes, covariance: Float[np.ndarray, "latent latent"]
) -> Float[np.ndarray, "_"]:
    """Return log Normal(offset; 0, covariance), computed by the Cholesky factor."""
    root = np.linalg.cholesky(covariance)
    standardised = np.linalg.solve(root, offsets.T.astype(np.float64))
    log_volume = np.log(np.diag(root)).sum() + 0.5 * len(root) * np.log(2 * np.pi)
    return -0.5 * np.square(standardised).sum(axis=0) - log_volume
