"""Separated attribute predictability (SAP): the lead of the best single latent per factor.

Example:
    sap_discrete(codes, factors, test_codes, test_factors)
    sap_continuous(codes, factors)
"""

import numpy as np
from jaxtyping import Float, Integer

from vae.metrics.disentanglement.information import lead
from vae.metrics.disentanglement.requirements import (
    require_two_latents,
    require_varying,
    unsettled_fits_allowed,
)


def sap_discrete(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
) -> float:
    """Separated attribute predictability: the best latent's lead in test accuracy.

    It is the mean over factors of the accuracy gap between the two best single latents.

    Range: in [0, 1]; a perfect code stays far below 1.

    Estimator: for each latent and factor, `LinearSVC(C=0.01, class_weight="balanced")` is fitted on
    the first pair of arrays and tested on the second.

    Trap: one linear one-against-rest threshold separates only the outer classes. A perfect code
    with 5 to 12 classes a factor therefore reaches only about 0.24. C is fixed, so the score also
    depends on the number of training rows (0.24 with 4000 rows of that code, 0.22 with 2667).

    Source: Kumar et al. (2018), "Variational Inference of Disentangled Latent Concepts from
    Unlabeled Observations".
    """
    require_two_latents(codes)
    require_varying(factors)
    columns = list(zip(factors.T, test_factors.T, strict=True))
    accuracy = [
        [_svm_accuracy(codes[:, i], y, test_codes[:, i], t) for y, t in columns]
        for i in range(codes.shape[1])
    ]
    return float(np.mean(lead(np.array(accuracy))))


def sap_continuous(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> float:
    """Separated attribute predictability: the best latent's lead in squared correlation.

    It is the mean over factors of the gap between the two largest squared correlations with a
    latent. A latent of variance below 1e-12 counts as uncorrelated.

    Range: in [0, 1]; it is 1 where each factor has one linear latent.

    Estimator: the sample correlation on all rows; it needs no test set.

    Trap: it treats class numbers as magnitudes, so it means little for unordered classes.

    Source: Kumar et al. (2018), as for `sap_discrete`.
    """
    require_two_latents(codes)
    require_varying(factors)
    z, y = (array - array.mean(axis=0) for array in (codes.astype(np.float64), factors))
    spread = z.var(axis=0, ddof=1)
    alive = spread > 1e-12
    covariance = z.T @ y / (len(z) - 1)
    correlation = covariance**2 / np.outer(np.where(alive, spread, 1), y.var(axis=0, ddof=1))
    return float(np.mean(lead(np.where(alive[:, None], correlation, 0))))


def _svm_accuracy(
    latent: Float[np.ndarray, " n"],
    factor: Integer[np.ndarray, " n"],
    test_latent: Float[np.ndarray, " m"],
    test_factor: Integer[np.ndarray, " m"],
) -> float:
    from sklearn.svm import LinearSVC

    classifier = LinearSVC(C=0.01, class_weight="balanced")
    with unsettled_fits_allowed():
        classifier.fit(latent[:, None].astype(np.float64), factor)
    return float(
        np.mean(classifier.predict(test_latent[:, None].astype(np.float64)) == test_factor)
    )
