"""How far latents depend on each other, as far as a covariance can tell."""

import numpy as np
from jaxtyping import Float


def gaussian_total_correlation(codes: Float[np.ndarray, "n latent"]) -> float:
    """Total correlation, linear correlation only: how far latents repeat each other.

    -1/2 log det of the correlation matrix: the total correlation of the Gaussian with the codes'
    covariance. Needs no factors.

    Range: in nats, at least 0; 0 where no latents correlate.

    Estimator: sample correlation. Constant latents are left out, and eigenvalues are floored
    at 2e-16, so an exact linear copy adds about 18 nats, not infinity.

    Trap: sees linear correlation only, so latents that depend on each other in another way can
    score 0; and it knows no scale, so the faint means of collapsed latents count like any other.

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
