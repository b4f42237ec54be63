"""Scores a checkpoint's codes against the known factors and labels of its test images.

Example:
    >>> run = load_run("checkpoints/mnist-best")
    >>> assess(run, load_atlas(run)).labels.knn_accuracy
    0.9496
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae.core.errors import DataError
from vae.metrics.classification import LabelScores, label_scores
from vae.metrics.disentanglement import (
    ESTIMATORS,
    Scores,
    gaussian_total_correlation,
    sample_parts,
    score,
)
from vae.runs.checkpoint import Atlas
from vae.runs.run import Run

ROWS = 5000
"""Default number of codes that the scores are measured on."""

MIN_ASSESSED_ROWS = 150
"""With fewer rows, the test part (a third) would be smaller than `score` accepts."""


@dataclass(frozen=True)
class Assessment:
    """Scores of the posterior means of a test split."""

    rows: int
    """Number of rows of the label scores and the total correlation; `scores` has its own."""

    factors: tuple[str, ...]
    """The factors that vary, in the order of the columns of `scores`."""

    scores: Scores | None
    """None when fewer than two factors vary, or the model has a single latent."""

    labels: LabelScores | None
    """None when the images have no labels, or all have the same."""

    gaussian_tc: float
    """The `gaussian_total_correlation` in nats, which sees linear correlation only."""

    rate_per_dimension: tuple[float, ...]
    """KL(q(z|x) || p(z)) of each latent, averaged over the whole test split, in nats."""

    active_units: int
    """Number of latents whose posterior mean has a variance above 0.01 over the test split."""

    note: str | None
    """Explains which scores are absent, and why."""

    @property
    def against(self) -> tuple[str, ...]:
        """What the codes were compared with: factors, labels, both or neither."""
        found = {"factors": self.scores, "labels": self.labels}
        return tuple(name for name, scores in found.items() if scores)

    def to_dict(self) -> dict[str, Any]:
        """Return one object of plain JSON values, without the scores that are None."""
        own = {
            "against": self.against,
            "factors": self.factors,
            "note": self.note,
            "rows": self.rows,
            "gaussian_tc": self.gaussian_tc,
            "active_units": self.active_units,
            "rate_per_dimension": self.rate_per_dimension,
        }
        parts = [dataclasses.asdict(part) for part in (self.scores, self.labels) if part]
        return {key: _plain(value) for part in (own, *parts) for key, value in part.items()}


def assess(
    run: Run,
    atlas: Atlas,
    rows: int = ROWS,
    estimator: str = ESTIMATORS[0],
    seed: int = 0,
    n_jobs: int = 1,
) -> Assessment:
    """Score a checkpoint's posterior means against the known factors and labels.

    With `QUICK_ROWS` and a "random-forest" this takes about 4 s for 10 latents and 5 factors.
    Raises DataError for fewer than 150 rows.

    Args:
        run: The checkpoint's record.
        atlas: Posterior means, factors and labels of the test images.
        rows: Largest number of rows. Factors are fitted on these and tested on as many others
            (`sample_parts`); labels are fitted on one half and tested on the other
            (`split_halves`).
        estimator: Estimator of DCI, one of `ESTIMATORS`.
        seed: Seed of the samples, the splits and the estimators.
        n_jobs: Number of processes that the estimators use.
    """
    if min(rows, len(atlas.mean)) < MIN_ASSESSED_ROWS:
        raise DataError(
            f"{min(rows, len(atlas.mean))} rows of {run.name}, expected at least "
            f"{MIN_ASSESSED_ROWS}; ask for more with --rows"
        )
    chosen = np.random.default_rng(seed).permutation(len(atlas.mean))[:rows]
    codes, labels = atlas.mean[chosen], atlas.label[chosen]
    has_labels = len(np.unique(labels[labels >= 0])) > 1
    names, scores = _factor_scores(run, atlas, rows, estimator, seed, n_jobs)
    return Assessment(
        rows=len(chosen),
        factors=names,
        scores=scores,
        labels=label_scores(codes, labels, seed) if has_labels else None,
        gaussian_tc=scores.gaussian_tc if scores else gaussian_total_correlation(codes),
        rate_per_dimension=run.results.test_rate_per_dimension,
        active_units=run.results.active_units,
        note=None if scores else _explanation(run, has_labels),
    )


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _factor_scores(
    run: Run, atlas: Atlas, rows: int, estimator: str, seed: int, n_jobs: int
) -> tuple[tuple[str, ...], Scores | None]:
    """Return the names of the factors that vary in both parts, and the scores.

    Args:
        run: The checkpoint's record.
        atlas: Posterior means and factors of the test images.
        rows: Largest number of rows to fit on, and to test on.
        estimator: Estimator of DCI.
        seed: Seed of the sample and the estimators.
        n_jobs: Number of processes that the estimators use.
    """
    if atlas.factors is None or run.model.latent_dim < 2:
        return (), None
    (codes, factors), (test_codes, test_factors) = sample_parts(
        atlas.mean, atlas.factors, rows, seed
    )
    varying = np.flatnonzero((np.ptp(factors, axis=0) > 0) & (np.ptp(test_factors, axis=0) > 0))
    if len(varying) < 2:
        return (), None
    names = tuple(run.factors[k].name for k in varying)
    test = test_codes, test_factors[:, varying]
    return names, score(codes, factors[:, varying], test, estimator, seed, n_jobs)


def _explanation(run: Run, has_labels: bool) -> str:
    """Explain why there are no factor scores."""
    measured = "measured against its labels alone" if has_labels else "measured without them"
    if not run.factors:
        return f"no factors are known of {run.train.dataset}; {measured}"
    if run.model.latent_dim < 2:
        return f"factor scores need at least 2 latents; {measured}"
    return f"fewer than two factors of {run.train.dataset} vary; {measured}"
