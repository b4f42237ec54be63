"""The FactorVAE and beta-VAE scores, from batches of rows that share one factor's value.

Batches are sampled from the given rows, so factors that correlate in the rows also correlate in the
batches. With independent factors this is the published sampling.

Example:
    print(factor_vae(codes, factors, seed=0), beta_vae(codes, factors, seed=0))
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from vae.core.errors import DataError
from vae.metrics.disentanglement.requirements import unsettled_fits_allowed

BATCH = 64
"""Rows (FactorVAE) or pairs of rows (beta-VAE) for one training point."""

TRAIN_POINTS, TEST_POINTS = 10_000, 5_000

LEAST_DEVIATION = 0.05
"""Latents with a smaller standard deviation over all rows have no vote."""

CHUNK = 250
"""Points sampled at a time, which limits the memory."""


def factor_vae(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    seed: int = 0,
) -> float:
    """FactorVAE score: does the latent that varies least reveal which factor is held fixed?

    Each batch has 64 rows that share one factor's value. Its vote is the latent with the least
    variance, relative to its variance over all rows. 10,000 votes assign to each latent its most
    frequent factor; the score is the accuracy of this assignment on 5,000 other votes.

    Range: from 1 / factors (chance) to 1; it is 0 where no latent has a standard deviation of 0.05.

    Estimator: a majority vote. `seed` samples rows with replacement, and each value in proportion
    to its rows. Factors of one value and values of a single row are never sampled. Values with
    fewer than 64 rows repeat rows, which makes their votes less certain.

    Trap: never read it alone. Random rotations of a perfect code of five factors score 0.85 to 1
    in ten latents and 0.6 to 1 in five. It does not require one latent per factor, nor that a
    latent varies with one factor only.

    Source: Kim & Mnih (2018), "Disentangling by Factorising"; the numbers and the threshold are
    those of disentanglement_lib.
    """
    generator, groups = np.random.default_rng(seed), _group_rows(factors)
    codes = codes.astype(np.float64)
    deviation = codes.std(axis=0, ddof=1)
    active = deviation >= LEAST_DEVIATION
    if not active.any():
        return 0.0
    scaled = codes[:, active] / deviation[active]
    stands_for = _votes(scaled, groups, TRAIN_POINTS, generator).argmax(axis=1)
    votes = _votes(scaled, groups, TEST_POINTS, generator)
    return float(votes[np.arange(len(votes)), stands_for].sum() / TEST_POINTS)


def beta_vae(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    seed: int = 0,
) -> float:
    """Beta-VAE score: do mean distances in the latents reveal which factor pairs share?

    A point is the mean absolute difference in each latent over 64 pairs of rows that share one
    factor's value. A linear classifier of the factor learns from 10,000 points; the score is its
    accuracy on 5,000 others.

    Range: from 1 / factors (chance) to 1.

    Estimator: `LogisticRegression` on unscaled codes. `seed` samples pairs of different rows, and
    each value in proportion to its rows. Factors of one value and values of a single row are never
    sampled. Rare values repeat the same few pairs.

    Trap: it is easily near 1. A factor needs no latent of its own, only a pattern of distances:
    random rotations of a perfect code score 0.94. Noise as large as a factor's own spread leaves
    0.98.

    Source: Higgins et al. (2017), "beta-VAE: Learning Basic Visual Concepts with a Constrained
    Variational Framework"; the numbers are those of disentanglement_lib.
    """
    from sklearn.linear_model import LogisticRegression

    generator, groups = np.random.default_rng(seed), _group_rows(factors)
    codes = codes.astype(np.float64)
    classifier = LogisticRegression()
    with unsettled_fits_allowed():
        classifier.fit(*_distances(codes, groups, TRAIN_POINTS, generator))
    return float(classifier.score(*_distances(codes, groups, TEST_POINTS, generator)))


@dataclass(frozen=True)
class _RowsByValue:
    """The rows sorted by one factor's values, without values that only one row holds."""

    rows: Int[np.ndarray, " k"]
    start: Int[np.ndarray, " k"]
    """For each sorted row, the index of the first row with the same value."""

    count: Int[np.ndarray, " k"]
    """For each sorted row, the number of rows with the same value."""

    def batches(
        self, points: int, generator: np.random.Generator
    ) -> Int[np.ndarray, "points batch"]:
        """Samples a value for each point, and rows that hold it."""
        position = generator.integers(len(self.rows), size=(points, 1))
        offset = generator.integers(self.count[position], size=(points, BATCH))
        return self.rows[self.start[position] + offset]

    def pairs(
        self, points: int, generator: np.random.Generator
    ) -> tuple[Int[np.ndarray, "points batch"], Int[np.ndarray, "points batch"]]:
        """Samples rows, and for each another row with the same value."""
        position = generator.integers(len(self.rows), size=(points, BATCH))
        start, count = self.start[position], self.count[position]
        onward = 1 + generator.integers(count - 1)
        return self.rows[position], self.rows[start + (position - start + onward) % count]


def _group_rows(factors: Integer[np.ndarray, "n factors"]) -> list[_RowsByValue]:
    """Groups the rows by value for each factor that has several values."""
    varying = [factor for factor in factors.T if np.ptp(factor) > 0]
    groups = [group for group in map(_group, varying) if len(group.rows)]
    if len(groups) < 2:
        raise DataError(
            f"{len(groups)} of {factors.shape[1]} factors have several values and rows that "
            "share one, expected at least 2"
        )
    return groups


def _group(factor: Integer[np.ndarray, " n"]) -> _RowsByValue:
    label, counts = np.unique(factor, return_inverse=True, return_counts=True)[1:]
    rows = np.argsort(label, kind="stable")
    rows = rows[counts[label[rows]] > 1]
    start = np.searchsorted(label[rows], label[rows])
    return _RowsByValue(rows, start, counts[label[rows]])


def _counts_by_factor(
    groups: list[_RowsByValue], points: int, generator: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Yields factors with the number of points to sample at once; `points` in all."""
    drawn = np.bincount(generator.integers(len(groups), size=points), minlength=len(groups))
    for factor, count in enumerate(drawn):
        for done in range(0, count, CHUNK):
            yield factor, min(CHUNK, count - done)


def _votes(
    scaled: Float[np.ndarray, "n latent"],
    groups: list[_RowsByValue],
    points: int,
    generator: np.random.Generator,
) -> Int[np.ndarray, "latent factors"]:
    """Counts how often each latent varies least while each factor is held fixed."""
    votes = np.zeros((scaled.shape[1], len(groups)), dtype=np.int64)
    for factor, count in _counts_by_factor(groups, points, generator):
        batches = scaled[groups[factor].batches(count, generator)]
        least = batches.var(axis=1).argmin(axis=1)
        votes[:, factor] += np.bincount(least, minlength=len(votes))
    return votes


def _distances(
    codes: Float[np.ndarray, "n latent"],
    groups: list[_RowsByValue],
    points: int,
    generator: np.random.Generator,
) -> tuple[Float[np.ndarray, "points latent"], Int[np.ndarray, " points"]]:
    """Returns each point's mean distance in every latent, and the factor that its pairs share."""
    distances, shared = [], []
    for factor, count in _counts_by_factor(groups, points, generator):
        one, other = groups[factor].pairs(count, generator)
        distances.append(np.abs(codes[one] - codes[other]).mean(axis=1))
        shared.append(np.full(count, factor))
    return np.concatenate(distances), np.concatenate(shared)
