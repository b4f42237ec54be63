"""Mutual information of latents with factors, and the scores that derive from it.

Example:
    nats = mutual_information(codes, factors)  # one row for each latent
    print(mig(codes, factors), modularity(codes, factors))
"""

import numpy as np
from jaxtyping import Float, Int, Integer

from vae.metrics.disentanglement.requirements import (
    require_two_factors,
    require_two_latents,
    require_varying,
)

BINS = 20
"""The number of equal-width bins per latent for every mutual information."""


def mutual_information(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> Float[np.ndarray, "latent factors"]:
    """Mutual information: how many nats does each latent tell about each factor?

    Range: from 0 to the entropy of the factor, in nats.

    Estimator: the plug-in estimate; each latent is cut into 20 bins of equal width over its range.

    Trap: it ignores scale, so the tiny means of a collapsed latent can seem informative. It is
    biased upwards by about 19 * (values - 1) / (2 * rows) nats. One far outlier stretches the bins
    and lowers it.

    Source: Cover & Thomas (2006), "Elements of Information Theory", section 2.3; the bins are
    those of Locatello et al. (2019).
    """
    binned = [_bin(latent) for latent in codes.T]
    labels = [_label(factor) for factor in factors.T]
    return np.array([[_plug_in(b, f) for f in labels] for b in binned]).reshape(
        codes.shape[1], factors.shape[1]
    )


def normalised_information(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> Float[np.ndarray, "latent factors"]:
    """Returns the mutual information as a share of the factor's entropy.

    Range: in [0, 1]; it is 1 where the latent determines the factor. MIG is the mean lead of the
    best latent in a column.

    Estimator: as for `mutual_information`; a factor of a single value has the share 0.

    Trap: as for `mutual_information`; the bias is larger for factors of many values.

    Source: as for `mutual_information`.
    """
    entropies = factor_entropies(factors)
    return mutual_information(codes, factors) / np.where(entropies > 0, entropies, 1)


def factor_entropies(
    factors: Integer[np.ndarray, "n factors"],
) -> Float[np.ndarray, " factors"]:
    """Returns each factor's entropy over these rows, in nats; at most log(number of values)."""
    labels = [_label(factor) for factor in factors.T]
    return np.array([_plug_in(label, label) for label in labels])


def mig(codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]) -> float:
    """Mutual information gap: how far does the best latent lead the second best, per factor?

    It is the mean over factors of (I1 - I2) / H(factor). I1 and I2 are the two largest mutual
    informations (nats) between that factor and a latent.

    Range: in [0, 1]; it is 1 where each factor has exactly one latent.

    Estimator: the plug-in `mutual_information` with 20 bins of equal width per latent.

    Trap: a factor that two latents hold scores 0, however clean both are. A single far outlier
    stretches the bins and lowers the score.

    Source: Chen et al. (2018), "Isolating Sources of Disentanglement in VAEs".
    """
    require_two_latents(codes)
    require_varying(factors)
    return float(np.mean(lead(mutual_information(codes, factors)) / factor_entropies(factors)))


def modularity(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> float:
    """Modularity: does each latent carry information about one factor only?

    It is the mean over latents of 1 - (sum of all squared informations except the largest) /
    (largest * (factors - 1)). A latent without any information counts as 0.

    Range: in [0, 1]; it is 1 where no latent informs about a second factor.

    Estimator: the plug-in `mutual_information` with 20 bins of equal width per latent.

    Trap: it is relative, so it ignores how little a latent informs: pure noise scores about 0.6.

    Source: Ridgeway & Mozer (2018), "Learning Deep Disentangled Embeddings with the
    F-Statistic Loss".
    """
    require_two_factors(factors)
    require_varying(factors)
    squared = mutual_information(codes, factors) ** 2
    largest = squared.max(axis=1)
    informed = largest > 0
    others = squared.sum(axis=1)[informed] - largest[informed]
    shares = others / (largest[informed] * (factors.shape[1] - 1))
    return float(np.sum(1 - shares) / codes.shape[1])


def lead(scores: Float[np.ndarray, "latent factors"]) -> Float[np.ndarray, " factors"]:
    """Returns the lead of the best latent over the second best, for each factor."""
    second, best = np.sort(scores, axis=0)[-2:]
    return best - second


def _bin(latent: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Returns bin numbers from 0; a latent that is constant up to rounding gets one bin."""
    latent = latent.astype(np.float64)
    if np.ptp(latent) <= 2 * BINS * np.spacing(np.abs(latent).max()):
        return np.zeros(len(latent), dtype=np.int64)
    edges = np.histogram_bin_edges(latent, BINS)
    return np.digitize(latent, edges[:-1]) - 1


def _label(factor: Integer[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Returns the factor's values, numbered from 0."""
    return np.unique(factor, return_inverse=True)[1]


def _plug_in(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> float:
    """Returns the mutual information in nats of two columns of numbers from 0."""
    shape = (a.max() + 1, b.max() + 1)
    counts = np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1])
    joint = counts.reshape(shape) / len(a)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return max(0.0, float(np.sum(joint[seen] * np.log(joint[seen] / apart[seen]))))
