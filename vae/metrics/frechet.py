"""Compares two sets of images by the features that a classifier computes from them.

Values compare only with values in the features of the same classifier. The Fréchet distance in the
features of our own classifier is not an FID, which uses the features of Inception.

Example:
    distance = frechet_distance(features_of_real, features_of_generated)
    shares = precision_recall(features_of_real, features_of_generated)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.distance import cdist

from vae.core.errors import ConfigError

NEIGHBOURS = 3
"""The k of precision and recall, as in Kynkäänniemi et al. 2019."""

BLOCK_ROWS = 1000
"""Rows of a distance matrix computed at once."""

Features = Float[np.ndarray, "_ features"]


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of generated images, as shares from 0 to 1."""

    precision: float
    """Share of generated images inside the region of the real ones."""

    recall: float
    """Share of real images inside the region of the generated ones."""


def frechet_distance(first: Features, second: Features) -> float:
    """Returns the Fréchet distance |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The means m and covariances C are those of normal distributions fitted to both sets.

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6. Its unit
    is a squared feature. It falls with the number of images, so compare sets of equal size only.
    """
    shift = first.mean(axis=0, dtype=np.float64) - second.mean(axis=0, dtype=np.float64)
    one, other = _covariance(first), _covariance(second)
    # The square roots of the eigenvalues of C1 C2 are the singular values of C1^(1/2) C2^(1/2).
    overlap = np.linalg.svd(_root(one) @ _root(other), compute_uv=False).sum()
    return float(shift @ shift + np.trace(one) + np.trace(other) - 2 * overlap)


def precision_recall(
    real: Features, generated: Features, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Returns improved precision and recall (Kynkäänniemi et al. 2019, equations 1 to 3).

    The region of a set is the union of balls around its images. Each ball reaches to the image's
    k-th nearest neighbour in the set. Raises ConfigError for a set of k images or fewer.
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
    """Returns which points lie in at least one ball around the other set's images."""
    radii = _radii(by, neighbours)
    return np.concatenate([(cdist(some, by) <= radii).any(axis=1) for some in _blocks(points)])


def _radii(points: Features, neighbours: int) -> Float[np.ndarray, "_"]:
    """Returns the distance of each point to its k-th nearest other point."""
    found = [
        np.partition(cdist(some, points), neighbours)[:, neighbours] for some in _blocks(points)
    ]
    return np.concatenate(found)


def _blocks(points: Features) -> list[Features]:
    return [points[start : start + BLOCK_ROWS] for start in range(0, len(points), BLOCK_ROWS)]


def _covariance(features: Features) -> Float[np.ndarray, "features features"]:
    return np.atleast_2d(np.cov(features.astype(np.float64).T))


def _root(covariance: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """Returns the symmetric square root; rounding can make eigenvalues slightly negative."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
