"""Checks that the scores make of their arrays, and the warnings that they silence.

Example:
    require_varying(factors[train], "the training part")
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float, Integer

from vae.core.errors import DataError


def require_two_latents(codes: Float[np.ndarray, "n latent"]) -> None:
    """Raises DataError for fewer than two latents."""
    if codes.shape[1] < 2:
        raise DataError(f"codes has shape {codes.shape}, expected at least 2 latents")


def require_two_factors(factors: Integer[np.ndarray, "n factors"]) -> None:
    """Raises DataError for fewer than two factors."""
    if factors.shape[1] < 2:
        raise DataError(f"factors has shape {factors.shape}, expected at least 2 factors")


def require_varying(factors: Integer[np.ndarray, "n factors"], part: str = "these rows") -> None:
    """Raises a DataError that names the first factor with a single value in these rows."""
    for k, span in enumerate(np.ptp(factors, axis=0)):
        if span == 0:
            raise DataError(f"factor {k} has a single value in {part}, expected at least two")


@contextmanager
def unsettled_fits_allowed() -> Iterator[None]:
    """Silences convergence warnings: the published settings stop linear models early."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
