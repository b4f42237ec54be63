"""Reads codes with known factors from a file and checks that they can be scored.

Example:
    known = load_codes("codes.npz")
    scores = score(known.codes, known.factors, known.test)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped

from vae.core.errors import DataError
from vae.metrics.npz import read_arrays

MIN_ROWS = 50
"""The smallest number of rows that `load_codes` and `score` accept."""

MAX_CODE = 1e30
"""The largest accepted code: the trees of DCI compute sums in single precision."""

ARRAYS = ("codes", "factors", "test_codes", "test_factors")
TEST_ARRAYS = frozenset(ARRAYS[2:])

Pair = tuple[Float[np.ndarray, "_ latent"], Integer[np.ndarray, "_ factors"]]
"""Codes and factors of the same rows."""


@dataclass(frozen=True)
class KnownCodes:
    """Codes with known factors, and a test part if the file has one."""

    codes: Float[np.ndarray, "n latent"]
    factors: Int[np.ndarray, "n factors"]
    test: Pair | None

    def sample(self, rows: int, seed: int) -> "KnownCodes":
        """Samples up to `rows` rows by `seed`, and up to as many of the test part."""
        test = self.test and _sample(self.test, rows, seed)
        return KnownCodes(*_sample((self.codes, self.factors), rows, seed), test)


def load_codes(path: str | Path) -> KnownCodes:
    """Reads the arrays `codes` (n, latent) and `factors` (n, factors) of an `.npz` file.

    It also reads `test_codes` (m, latent) and `test_factors` (m, factors) if the file has them.
    Codes are returned as float64 and factors as int64. Arrays that `score` cannot use raise a
    DataError that names the file, the fault and the expectation. Pickles are refused.
    """
    arrays = _read_arrays(Path(path))
    (codes, factors), test = arrays[:2], arrays[2:]
    if fault := scoring_fault(codes, factors) or (test and pair_fault(codes, factors, *test)):
        raise DataError(f"{path}: {fault}")
    return KnownCodes(*widened(codes, factors), widened(*test) if test else None)


def widened(
    codes: Shaped[np.ndarray, "n latent"], factors: Shaped[np.ndarray, "n factors"]
) -> Pair:
    """Returns codes as float64 and factors as int64, in C order so that sums always round alike."""
    return codes.astype(np.float64, order="C"), factors.astype(np.int64, order="C")


def _read_arrays(path: Path) -> list[np.ndarray]:
    """Reads the two or four arrays of a file."""
    try:
        with path.open("rb") as file:
            found = read_arrays(file, path, ARRAYS)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or 'damaged'})") from None
    wanted = ARRAYS[: 2 if TEST_ARRAYS.isdisjoint(found) else 4]
    if set(found) != set(wanted):
        names = "'codes' and 'factors', and both of 'test_codes' and 'test_factors' or neither"
        raise DataError(f"{path}: expected the arrays {names}")
    return [found[name] for name in wanted]


def _sample(pair: Pair, rows: int, seed: int) -> Pair:
    codes, factors = pair
    chosen = np.random.default_rng(seed).permutation(len(codes))[:rows]
    return codes[chosen], factors[chosen]


def scoring_fault(codes: np.ndarray, factors: np.ndarray) -> str | None:
    """Returns the first reason why these arrays cannot be scored, or None."""
    return _shape_fault(codes, factors) or _codes_fault(codes) or _factors_fault(factors)


def pair_fault(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray
) -> str | None:
    """Returns the first reason why a test part does not fit these arrays, or None."""
    if fault := scoring_fault(test_codes, test_factors):
        return f"in the test part, {fault}"
    if test_codes.shape[1] != codes.shape[1]:
        return f"test_codes has {test_codes.shape[1]} latents and codes {codes.shape[1]}"
    if test_factors.shape[1] != factors.shape[1]:
        return f"test_factors has {test_factors.shape[1]} factors and factors {factors.shape[1]}"
    return None


def _shape_fault(codes: np.ndarray, factors: np.ndarray) -> str | None:
    if codes.ndim != 2:
        return f"codes has shape {codes.shape}, expected (rows, latents)"
    if factors.ndim != 2:
        return f"factors has shape {factors.shape}, expected (rows, factors)"
    if len(codes) != len(factors):
        return f"codes has {len(codes)} rows and factors {len(factors)}, expected as many"
    if len(codes) < MIN_ROWS:
        return f"{len(codes)} rows, expected at least {MIN_ROWS}"
    if codes.shape[1] < 2:
        return f"codes has shape {codes.shape}, expected at least 2 latents"
    if factors.shape[1] < 2:
        return f"factors has shape {factors.shape}, expected at least 2 factors"
    return None


def _codes_fault(codes: np.ndarray) -> str | None:
    if codes.dtype.kind not in "fiu":
        return f"codes holds {codes.dtype}, expected real numbers"
    if not np.isfinite(codes).all():
        return "codes holds values that are not finite"
    if np.abs(codes).max() > MAX_CODE:
        return f"codes holds values beyond {MAX_CODE:g}, expected posterior means of a few units"
    return None


def _factors_fault(factors: np.ndarray) -> str | None:
    if factors.dtype.kind not in "biu":
        return f"factors holds {factors.dtype}, expected integers (class numbers)"
    for k, factor in enumerate(factors.T):
        values = len(np.unique(factor))
        if values == 1:
            return f"factor {k} has a single value, expected at least two"
        if values > (most := len(factor) // 4):
            return f"factor {k} has {values} values, expected at most {most}, a quarter of the rows"
    return None
