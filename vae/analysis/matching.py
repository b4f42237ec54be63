"""Matches the latent dimensions of two models, because each training numbers them by chance.

Example:
    >>> match_dimensions(codes, -codes[:, ::-1]).dimensions
    array([1, 0])
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Matching:
    """For each dimension of a reference model, in its order, one dimension of another model."""

    dimensions: Int[np.ndarray, "latent"]
    """The other model's dimension."""

    signs: Int[np.ndarray, "latent"]
    """1, or -1 where the two dimensions are negatively correlated."""

    correlations: Float[np.ndarray, "latent"]
    """Absolute correlation of the two over the same images, 0 to 1."""


def match_dimensions(
    reference: Float[np.ndarray, "n latent"], codes: Float[np.ndarray, "n latent"]
) -> Matching:
    """Return the one-to-one matching with the largest sum of absolute correlations.

    Both arrays hold the posterior means of the same images, row by row. The correlation of a
    constant dimension is 0. Li et al. (2016, "Convergent Learning") match by correlation; scipy
    solves the assignment problem (Kuhn 1955).
    """
    from scipy.optimize import linear_sum_assignment

    correlation = _standardised(reference).T @ _standardised(codes) / len(codes)
    _, dimensions = linear_sum_assignment(-np.abs(correlation))
    matched = correlation[np.arange(len(dimensions)), dimensions]
    return Matching(dimensions, np.where(matched < 0, -1, 1), np.minimum(np.abs(matched), 1.0))


def _standardised(codes: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n latent"]:
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    deviation = centred.std(axis=0)
    return centred / np.where(deviation > 1e-9, deviation, np.inf)
