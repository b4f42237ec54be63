"""Scores from batches of rows that share one factor's value: FactorVAE's and the beta-VAE's.

The batches are drawn from the rows at hand, so factors that go together in the rows go together
in the batches; with independent factors this is the published sampling.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from vae.core.errors import DataError
from vae.metrics.disentanglement.requirements import unsettled_fits_allowed

BATCH = 64
"""Rows (FactorVAE), or pairs of rows (beta-VAE), behind one training point."""

TRAIN_POINTS, TEST_POINTS = 10_000, 5_000

LEAST_DEVIATION = 0.05
"""Latents that vary less over all rows, by their standard deviation, have no vote."""

CHUNK = 250
"""Points drawn at a time: what bounds the memory."""


def factor_vae(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    seed: int = 0,
) -> float:
    """FactorVAE score: which factor was held fixed, by the latent that then varies least?

    A vote is the latent of least variance, relative to its variance over all rows, in a batch of
    64 rows that share one factor's value. Each latent stands for the factor that it was voted
    for most in 10,000 votes; the score is how often that is right in 5,000 others.

    Range: from 1 / factors (chance) to 1; 0 where no latent has a standard deviation of 0.05.

    Estimator: majority vote, rows drawn from these by `seed`, with replacement; the value in
    proportion to its rows. A factor of one value is not drawn, nor a value that a single row
    holds; rarer values than 64 rows repeat rows, which makes their votes less certain.

    Trap: never read it alone: random rotations of a perfect code of five factors score 0.85 to 1
    in ten latents, and 0.6 to 1 in five, since nothing asks that a factor has one latent or that a
    latent varies with one factor only.

    Source: Kim & Mnih (2018), "Disentangling by Factorising"; the numbers and the threshold as in
    disentanglement_lib.
    """
    generator, shelves = np.random.default_rng(seed), _shelves(factors)
    codes = codes.astype(np.float64)
    deviation = codes.std(axis=0, ddof=1)
    active = deviation >= LEAST_DEVIATION
    if not active.any():
        return 0.0
    scaled = codes[:, active] / deviation[active]
    stands_for = _votes(scaled, shelves, TRAIN_POINTS, generator).argmax(axis=1)
    votes = _votes(scaled, shelves, TEST_POINTS, generator)
    return float(votes[np.arange(len(votes)), stands_for].sum() / TEST_POINTS)


def beta_vae(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    seed: int = 0,
) -> float:
    """Beta-VAE score: which factor do pairs share, by the mean distance in each latent?

    A point is the mean absolute difference, per latent, of 64 pairs of rows with the same value
    of one factor; a linear classifier of the factor learns from 10,000 points, and its accuracy
    on 5,000 others is the score.

    Range: from 1 / factors (chance) to 1.

    Estimator: `LogisticRegression`, codes as they are; pairs of two different rows drawn from
    these by `seed`, the value in proportion to its rows. A factor of one value is not drawn, nor
    a value that a single row holds; rare values come as the same few pairs.

    Trap: it is easily near 1: a factor needs no latent of its own, only a pattern of distances
    (random rotations of a perfect code score 0.94), and noise as large as a factor's own spread
    leaves 0.98.

    Source: Higgins et al. (2017), "beta-VAE: Learning Basic Visual Concepts with a Constrained
    Variational Framework"; the numbers as in disentanglement_lib.
    """
    from sklearn.linear_model import LogisticRegression

    generator, shelves = np.random.default_rng(seed), _shelves(factors)
    codes = codes.astype(np.float64)
    classifier = LogisticRegression()
    with unsettled_fits_allowed():
        classifier.fit(*_distances(codes, shelves, TRAIN_POINTS, generator))
    return float(classifier.score(*_distances(codes, shelves, TEST_POINTS, generator)))


@dataclass(frozen=True)
class _Shelf:
    """The rows in the order of one factor's values; a value that a single row holds is left out."""

    rows: Int[np.ndarray, " k"]
    start: Int[np.ndarray, " k"]
    """Of each place: the first with the same value."""

    count: Int[np.ndarray, " k"]
    """Of each place: how many have the same value."""

    def batches(
        self, points: int, generator: np.random.Generator
    ) -> Int[np.ndarray, "points batch"]:
        """Per point a value, and rows that hold it."""
        place = generator.integers(len(self.rows), size=(points, 1))
        offset = generator.integers(self.count[place], size=(points, BATCH))
        return self.rows[self.start[place] + offset]

    def pairs(
        self, points: int, generator: np.random.Generator
    ) -> tuple[Int[np.ndarray, "points batch"], Int[np.ndarray, "points batch"]]:
        """Any rows, and for each another row with the same value."""
        place = generator.integers(len(self.rows), size=(points, BATCH))
        start, count = self.start[place], self.count[place]
        onward = 1 + generator.integers(count - 1)
        return self.rows[place], self.rows[start + (place - start + onward) % count]


def _shelves(factors: Integer[np.ndarray, "n factors"]) -> list[_Shelf]:
    """One of each factor that has several values."""
    varying = [factor for factor in factors.T if np.ptp(factor) > 0]
    shelves = [shelf for shelf in map(_shelve, varying) if len(shelf.rows)]
    if len(shelves) < 2:
        raise DataError(
            f"{len(shelves)} of {factors.shape[1]} factors have several values and rows that "
            "share one, expected at least 2"
        )
    return shelves


def _shelve(factor: Integer[np.ndarray, " n"]) -> _Shelf:
    label, counts = np.unique(factor, return_inverse=True, return_counts=True)[1:]
    rows = np.argsort(label, kind="stable")
    rows = rows[counts[label[rows]] > 1]
    start = np.searchsorted(label[rows], label[rows])
    return _Shelf(rows, start, counts[label[rows]])


def _draws(
    shelves: list[_Shelf], points: int, generator: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Factors in turn, each with how many points to draw of it at once; `points` in all."""
    drawn = np.bincount(generator.integers(len(shelves), size=points), minlength=len(shelves))
    for factor, count in enumerate(drawn):
        for done in range(0, count, CHUNK):
            yield factor, min(CHUNK, count - done)


def _votes(
    scaled: Float[np.ndarray, "n latent"],
    shelves: list[_Shelf],
    points: int,
    generator: np.random.Generator,
) -> Int[np.ndarray, "latent factors"]:
    """How often each latent varied least with each factor held fixed."""
    votes = np.zeros((scaled.shape[1], len(shelves)), dtype=np.int64)
    for factor, count in _draws(shelves, points, generator):
        batches = scaled[shelves[factor].batches(count, generator)]
        least = batches.var(axis=1).argmin(axis=1)
        votes[:, factor] += np.bincount(least, minlength=len(votes))
    return votes


def _distances(
    codes: Float[np.ndarray, "n latent"],
    shelves: list[_Shelf],
    points: int,
    generator: np.random.Generator,
) -> tuple[Float[np.ndarray, "points latent"], Int[np.ndarray, " points"]]:
    """Per point the mean distance in each latent, and the factor that its pairs share."""
    distances, shared = [], []
    for factor, count in _draws(shelves, points, generator):
        one, other = shelves[factor].pairs(count, generator)
        distances.append(np.abs(codes[one] - codes[other]).mean(axis=1))
        shared.append(np.full(count, factor))
    return np.concatenate(distances), np.concatenate(shared)
