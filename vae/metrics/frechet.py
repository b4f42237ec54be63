"""How alike two sets of images are, in the features that some classifier reads from them.

Which classifier it is decides the numbers: they compare with others in the same features alone.
The Fréchet distance in the features of our own classifier is not an FID, which is in Inception's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.distance import cdist

from vae.core.errors import ConfigError

NEIGHBOURS = 3
"""The k of precision and recall, as in Kynkäänniemi et al. 2019."""

BLOCK_ROWS = 1000

Features = Float[np.ndarray, "_ features"]


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares, 0 to 1."""

    precision: float
    """Of generated images that lie where real ones do."""

    recall: float
    """Of real images that lie where generated ones do."""


def frechet_distance(first: Features, second: Features) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of normal distributions fitted to both sets.

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6. It has the unit
    of a squared feature, and falls with the number of images: compare at equal counts alone.
    """
    shift = first.mean(axis=0, dtype=np.float64) - second.mean(axis=0, dtype=np.float64)
    one, other = _covariance(first), _covariance(second)
    # The roots of C1 C2's eigenvalues are the singular values of C1^(1/2) C2^(1/2).
    overlap = np.linalg.svd(_root(one) @ _root(other), compute_uv=False).sum()
    return float(shift @ shift + np.trace(one) + np.trace(other) - 2 * overlap)


def precision_recall(
    real: Features, generated: Features, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Improved precision and recall, Kynkäänniemi et al. 2019, equations 1 to 3.

    Where a set lies is the union of balls around its images, each as far as its k-th nearest
    neighbour in that set. ConfigError for a set of k images or fewer.
    """
    if min(len(real), len(generated)) <= neighbours:
        raise ConfigError(
            f"precision and recall need more than {neighbours} images of each set, not "
            f"{min(len(real), len(generated))}; take more"
        )
    return PrecisionRecall(
        precision=float(covered(generated, real, neighbours).mean()),
        recall=float(covered(real, generated, neighbours).mean()),
    )


def covered(points: Features, by: Features, neighbours: int = NEIGHBOURS) -> Bool[np.ndarray, "_"]:
    """Which points lie in the ball of one image or more of the other set."""
    radii = _radii(by, neighbours)
    return np.concatenate([(cdist(some, by) <= radii).any(axis=1) for some in _blocks(points)])


def _radii(points: Features, neighbours: int) -> Float[np.ndarray, "_"]:
    """The distance of each point from its k-th nearest neighbour, itself left out."""
    found = [
        np.partition(cdist(some, points), neighbours)[:, neighbours] for some in _blocks(points)
    ]
    return np.concatenate(found)


def _blocks(points: Features) -> list[Features]:
    return [points[start : start + BLOCK_ROWS] for start in range(0, len(points), BLOCK_ROWS)]


def _covariance(features: Features) -> Float[np.ndarray, "features features"]:
    return np.atleast_2d(np.cov(features.astype(np.float64).T))


def _root(covariance: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """The symmetric square root; rounding can leave eigenvalues a little below 0."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
