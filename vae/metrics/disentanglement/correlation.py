"""Measures the linear dependence of latents on each other.

Example:
    gaussian_total_correlation(codes)  # nats; 0 if no latents correlate
"""

import numpy as np
from jaxtyping import Float


def gaussian_total_correlation(codes: Float[np.ndarray, "n latent"]) -> float:
    """Total correlation, linear correlation only: how much do latents repeat each other?

    It is -1/2 log det of the correlation matrix: the total correlation of the Gaussian with the
    codes' covariance. It needs no factors.

    Range: in nats, at least 0; it is 0 where no latents correlate.

    Estimator: the sample correlation. Constant latents are left out. Eigenvalues are at least
    2e-16, so an exact linear copy adds about 18 nats instead of infinity.

    Trap: it sees linear correlation only, so latents with another dependence can score 0. It also
    ignores scale, so the tiny means of collapsed latents count like any other.

    Source: Watanabe (1960), "Information Theoretical Analysis of Multivariate Correlation"; the
    Gaussian form as in Locatello et al. (2019).
    """
    codes = codes.astype(np.float64)
    span = np.ptp(codes, axis=0)
    varying = codes[:, span > 0] / span[span > 0]
    if varying.shape[1] < 2:
        return 0.0
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(varying, rowvar=False))
    floored = np.maximum(eigenvalues, np.finfo(np.float64).eps)
    return max(0.0, float(-0.5 * np.sum(np.log(floored))))
