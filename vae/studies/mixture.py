"""A better prior, fitted after training: a Gaussian mixture on codes of the training images.

Training asks the codes of all images together, the aggregate posterior q(z) = mean of q(z|x), to
look like the prior, and they never quite do. A mixture fitted to draws from q(z) is nearer to it
(Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", section 4). What it gains in
log density on other draws is what it adds to the ELBO, in nats: of the rate only the cross-entropy
with the prior changes (Hoffman and Johnson 2016, "ELBO surgery").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from vae.errors import ConfigError

CHOICES = (1, 2, 5, 10, 20, 40)
"""Numbers of components that `choose_components` tries."""

HELD_OUT = 0.25
"""Share of the codes that `choose_components` compares them on."""

LEAST_VARIANCE = 1e-4
"""Added to each variance, so that no component shrinks onto one code."""

LEAST_COUNT = 1e-10
"""Added to the codes of each component, so that none has a weight of 0."""

ROUNDS = 50
TOLERANCE = 5e-3
"""Nats of mean log density; a round that gains less is the last."""

BLOCK_NUMBERS = 2_000_000
"""Monomials in one block."""

HELD_BLOCKS = 6
"""Blocks that are kept from round to round, 100 MB; of more codes, or wider ones, none is."""

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
    if len(codes) < max(2, components):
        raise ConfigError(
            f"a mixture of {components} needs {max(2, components)} codes or more, not "
            f"{len(codes)}; ask for fewer components"
        )
    centre = codes.mean(axis=0, dtype=np.float64)
    expanded = _Expanded(codes - centre)
    found = expanded.around(_scattered(expanded.codes, components, np.random.default_rng(seed)))
    before = -np.inf
    for _ in range(ROUNDS):
        found, density = expanded.improved(found)
        if density - before < TOLERANCE:
            break
        before = density
    return replace(found, means=found.means + centre)


def _scattered(
    codes: Codes, count: int, generator: np.random.Generator
) -> Float[np.ndarray, "count latent"]:
    """Codes far from each other: k-means++ (Arthur and Vassilvitskii 2007)."""
    chosen = [codes[generator.integers(len(codes))]]
    nearest = np.square(codes - chosen[0]).sum(axis=1)
    while len(chosen) < count:
        # Where all codes lie on chosen ones, any will do.
        chances = nearest / nearest.sum() if nearest.any() else None
        chosen.append(codes[generator.choice(len(codes), p=chances)])
        nearest = np.minimum(nearest, np.square(codes - chosen[-1]).sum(axis=1))
    return np.array(chosen)


class _Expanded:
    """Codes as monomials: 1, every z_i, and every z_i z_j with i <= j.

    A normal distribution's log density is a polynomial in the code. So both steps of a round are
    products of matrices, several times as fast as going through the components.
    """

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        latent = codes.shape[1]
        self._pairs = np.triu_indices(latent)
        self._rows = max(1, BLOCK_NUMBERS // (1 + latent + len(self._pairs[0])))
        held = len(codes) <= HELD_BLOCKS * self._rows
        self._held = list(self._blocks()) if held else None

    def around(self, seeds: Float[np.ndarray, "components latent"]) -> Mixture:
        """Each code belongs to the seed nearest to it."""
        count, latent = seeds.shape
        narrow = np.tile(LEAST_VARIANCE * np.eye(latent), (count, 1, 1))
        return self.improved(Mixture(np.full(count, 1 / count), seeds, narrow))[0]

    def improved(self, mixture: Mixture) -> tuple[Mixture, float]:
        """After one round, and the mean log density before it."""
        coefficients = self._coefficients(mixture)
        moments, total = np.zeros(coefficients.T.shape), 0.0
        for terms in self._held or self._blocks():
            logs = terms @ coefficients
            highest = logs.max(axis=1, keepdims=True)
            shares = np.exp(logs - highest)
            sums = shares.sum(axis=1, keepdims=True)
            total += float((np.log(sums) + highest).sum())
            moments += (shares / sums).T @ terms
        return self._of_moments(moments), total / len(self.codes)

    def _blocks(self) -> Iterator[Float[np.ndarray, "_ terms"]]:
        first, second = self._pairs
        for start in range(0, len(self.codes), self._rows):
            some = self.codes[start : start + self._rows]
            yield np.hstack([np.ones((len(some), 1)), some, some[:, first] * some[:, second]])

    def _coefficients(self, mixture: Mixture) -> Float[np.ndarray, "terms components"]:
        """Of log(weight Normal(z; mean, covariance)), for each component."""
        columns = []
        for weight, mean, covariance in zip(
            mixture.weights, mixture.means, mixture.covariances, strict=True
        ):
            precision = np.linalg.inv(covariance)
            constant = np.log(weight) + float(_log_normal(mean[None], covariance)[0])
            # z_i z_j stands for z_j z_i too.
            squares = -precision[self._pairs] * np.where(np.equal(*self._pairs), 0.5, 1)
            columns.append(np.concatenate([[constant], precision @ mean, squares]))
        return np.array(columns).T

    def _of_moments(self, moments: Float[np.ndarray, "components terms"]) -> Mixture:
        """The mixture whose components have these sums of monomials."""
        latent = self.codes.shape[1]
        counts = moments[:, 0] + LEAST_COUNT
        means = moments[:, 1 : 1 + latent] / counts[:, None]
        covariances = np.empty((len(moments), latent, latent))
        first, second = self._pairs
        squares = moments[:, 1 + latent :] / counts[:, None]
        covariances[:, first, second] = covariances[:, second, first] = squares
        covariances -= means[:, :, None] * means[:, None, :]
        return Mixture(counts / counts.sum(), means, covariances + LEAST_VARIANCE * np.eye(latent))


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
