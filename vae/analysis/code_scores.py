"""What a checkpoint's codes are worth: scored against its factors and labels, as far as known."""

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
"""Codes behind the scores, unless told otherwise."""

MIN_ASSESSED_ROWS = 150
"""Fewer would leave less than `score` accepts in a test part of a third."""


@dataclass(frozen=True)
class Assessment:
    """Scores of the posterior means of a test split."""

    rows: int
    """Rows drawn for the label scores and the total correlation; `scores` counts its own."""

    factors: tuple[str, ...]
    """The factors behind `scores`, in the order of its columns: those that vary."""

    scores: Scores | None
    """None where fewer than two factors are known to vary, or there is one latent only."""

    labels: LabelScores | None
    """None where the images have no labels, or all the same."""

    gaussian_tc: float
    """`gaussian_total_correlation`, in nats; linear correlation only."""

    rate_per_dimension: tuple[float, ...]
    """KL(q(z|x) || p(z)) of each latent, over the whole test split, in nats."""

    active_units: int
    """Latents whose posterior mean varies by more than 0.01 over the whole test split."""

    note: str | None
    """What could not be measured, and why."""

    @property
    def against(self) -> tuple[str, ...]:
        """What the codes were held against."""
        found = {"factors": self.scores, "labels": self.labels}
        return tuple(name for name, scores in found.items() if scores)

    def to_dict(self) -> dict[str, Any]:
        """All in one object of plain JSON values; the scores that were not taken are absent."""
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
    """Score a checkpoint's posterior means against all that is known of its test images.

    Factors: fitted on up to `rows` rows, tested on as many others (`sample_parts`, by `seed`).
    Labels: up to `rows` rows, half of them to fit on (`split_halves`). With `QUICK_ROWS` and a
    "random-forest" this takes about 4 s for 10 latents and 5 factors. DataError for fewer than 150
    rows.
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
    """The scores, and the names of the factors that vary in both parts."""
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
    measured = "measured against its labels alone" if has_labels else "measured without them"
    if not run.factors:
        return f"no factors are known of {run.train.dataset}; {measured}"
    if run.model.latent_dim < 2:
        return f"factor scores need at least 2 latents; {measured}"
    return f"fewer than two factors of {run.train.dataset} vary; {measured}"
