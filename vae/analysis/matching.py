"""Which latent dimension of one model is which of another: two trainings number them by chance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Matching:
    """For each dimension of a reference model, in its order, one dimension of another model."""

    dimensions: Int[np.ndarray, "latent"]
    """The other model's dimension."""

    signs: Int[np.ndarray, "latent"]
    """1, or -1 where the two run against each other."""

    correlations: Float[np.ndarray, "latent"]
    """Absolute correlation of the two over the same images, 0 to 1."""


def match_dimensions(
    reference: Float[np.ndarray, "n latent"], codes: Float[np.ndarray, "n latent"]
) -> Matching:
    """The one-to-one matching with the largest sum of absolute correlations.

    Both hold the posterior means of the same images, row by row. A constant dimension correlates
    with none. The assignment problem is solved by scipy (Kuhn 1955); matching by correlation as in
    Li et al. 2016, "Convergent Learning".
    """
    from scipy.optimize import linear_sum_assignment

    correlation = _standardised(reference).T @ _standardised(codes) / len(codes)
    _, dimensions = linear_sum_assignment(-np.abs(correlation))
    matched = correlation[np.arange(len(dimensions)), dimensions]
    return Matching(dimensions, np.where(matched < 0, -1, 1), np.minimum(np.abs(matched), 1.0))


def _standardised(codes: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n latent"]:
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    spread = centred.std(axis=0)
    return centred / np.where(spread > 1e-9, spread, np.inf)
