"""A better prior, fitted after training: a Gaussian mixture on codes of the training images.

Training asks the codes of all images together, the aggregate posterior q(z) = mean of q(z|x), to
look like the prior, and they never quite do. A mixture fitted to draws from q(z) is nearer to it
(Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", section 4). What it gains in
log density on other draws is what it adds to the ELBO, in nats: of the rate only the cross-entropy
with the prior changes (Hoffman and Johnson 2016, "ELBO surgery").
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
"""Share of the codes that `choose_components` compares them on."""

LEAST_VARIANCE = 1e-4
"""Added to each variance, so that no component shrinks onto one code."""

ROUNDS = 50

Codes = Float[np.ndarray, "_ latent"]


@dataclass(frozen=True)
class Mixture:
    """A mixture of normal distributions with full covariances."""

    weights: Float[np.ndarray, "components"]
    means: Float[np.ndarray, "components latent"]
    covariances: Float[np.ndarray, "components latent latent"]

    def log_density(self, codes: Codes) -> Float[np.ndarray, "_"]:
        """log p(z) of each code, in nats."""
        parts = [
            np.log(weight) + _log_normal(codes - mean, covariance)
            for weight, mean, covariance in zip(
                self.weights, self.means, self.covariances, strict=True
            )
        ]
        return np.logaddexp.reduce(parts)

    def sample(self, count: int, seed: int, temperature: float = 1.0) -> Codes:
        """Draws; the standard deviations within components are scaled by `temperature`."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self.weights), count, p=self.weights)
        noise = generator.standard_normal((count, self.means.shape[1]))
        roots = np.linalg.cholesky(self.covariances)
        spread = np.einsum("nij,nj->ni", roots[chosen], noise)
        return (self.means[chosen] + temperature * spread).astype(np.float32)


def prior_log_density(codes: Codes) -> Float[np.ndarray, "_"]:
    """log p(z) of each code under the standard normal prior, in nats."""
    return _log_normal(codes, np.eye(codes.shape[1]))


def fit_mixture(codes: Codes, components: int, seed: int = 0) -> Mixture:
    """Fitted by expectation and maximisation, from k-means++; at most ROUNDS rounds.

    ConfigError for fewer codes than components, or than two.
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
        # Stopped early it is a density all the same, and judged on codes that it never saw.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(codes.astype(np.float64))
    return Mixture(fitted.weights_, fitted.means_, fitted.covariances_)


def choose_components(codes: Codes, choices: Sequence[int] = CHOICES, seed: int = 0) -> int:
    """The number of components with the highest log density on codes held out of these."""
    order = np.random.default_rng(seed).permutation(len(codes))
    held_out = max(1, int(HELD_OUT * len(codes)))
    rest, other = codes[order[held_out:]], codes[order[:held_out]]
    if len(choices) == 1:
        return choices[0]
    scores = {k: fit_mixture(rest, k, seed).log_density(other).mean() for k in choices}
    return max(choices, key=scores.__getitem__)


def _log_normal(
    offsets: Codes, covariance: Float[np.ndarray, "latent latent"]
) -> Float[np.ndarray, "_"]:
    """log Normal(offset; 0, covariance), by its Cholesky factor."""
    root = np.linalg.cholesky(covariance)
    standardised = np.linalg.solve(root, offsets.T.astype(np.float64))
    log_volume = np.log(np.diag(root)).sum() + 0.5 * len(root) * np.log(2 * np.pi)
    return -0.5 * np.square(standardised).sum(axis=0) - log_volume
