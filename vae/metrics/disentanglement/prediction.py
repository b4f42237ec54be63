"""Scores from classifiers that predict factors from latents: explicitness and DCI.

Example:
    scores = dci(codes, factors, test_codes, test_factors, "random-forest")
    print(scores.disentanglement, scores.completeness, scores.informativeness)
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from vae.core.errors import ConfigError
from vae.metrics.disentanglement.requirements import (
    require_two_factors,
    require_two_latents,
    require_varying,
    unsettled_fits_allowed,
)

ESTIMATORS = ("gradient-boosting", "random-forest")
"""The names of DCI's estimators; the first is the published one."""


@dataclass(frozen=True)
class DciScores:
    """The three scores of Eastwood & Williams (2018), each in [0, 1]; see `dci`."""

    disentanglement: float
    """Does each latent matter to one factor only?"""

    completeness: float
    """Does each factor need one latent only?"""

    informativeness: float
    """Test accuracy of predicting the factors from the codes, averaged over factors."""


def explicitness(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
) -> float:
    """Explicitness: can a linear classifier predict the factors from all latents together?

    It is the area under the test ROC curve of each value against the rest, averaged over values and
    then over factors. Values that only one of the two parts holds are left out.

    Range: in [0, 1]; 0.5 is chance, 1 is perfect.

    Estimator: multinomial logistic regression on standardised codes, fitted on the first pair of
    arrays.

    Trap: it does not measure disentanglement: any rotation scores the same. It is the plain area,
    as disentanglement_lib reports it, not rescaled from [0.5, 1] to [0, 1] as in the paper.

    Source: Ridgeway & Mozer (2018), as for `modularity`.
    """
    require_varying(factors)
    require_varying(test_factors, "the test part")
    columns = zip(factors.T, test_factors.T, strict=True)
    return float(np.mean([_mean_roc_area(codes, y, test_codes, t) for y, t in columns]))


def _mean_roc_area(
    codes: Float[np.ndarray, "n latent"],
    factor: Integer[np.ndarray, " n"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factor: Integer[np.ndarray, " m"],
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    with unsettled_fits_allowed():
        classifier.fit(codes.astype(np.float64), factor)
    chances = classifier.predict_proba(test_codes.astype(np.float64))
    columns = zip(classifier.classes_, chances.T, strict=True)
    hits = [(test_factor == value, chance) for value, chance in columns]
    return float(np.mean([roc_auc_score(hit, chance) for hit, chance in hits if hit.any()]))


def dci(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
    estimator: str = "gradient-boosting",
    seed: int = 0,
    n_jobs: int = 1,
) -> DciScores:
    """Disentanglement, completeness and informativeness: which latents predict which factors?

    Disentanglement is 1 - entropy of a latent's importance over factors (base: the number of
    factors), averaged over latents by their share of all importance. Completeness is the same for a
    factor over latents. Informativeness is the accuracy on the second pair of arrays.

    4000 rows of 10 latents and 5 factors take 20 to 40 s by gradient boosting and 3 s by a random
    forest, on one core.

    Args:
        codes: Codes to fit on.
        factors: Factors to fit on.
        test_codes: Codes to test informativeness on.
        test_factors: Factors to test informativeness on.
        estimator: One of `ESTIMATORS`.
        seed: Seed of the estimator.
        n_jobs: Number of factors that are fitted at the same time.

    Range: in [0, 1]; it is 1 where each factor has one latent and each latent one factor.

    Estimator: one tree ensemble per factor. "gradient-boosting" is the published choice
    (`GradientBoostingClassifier`, default settings). "random-forest" (50 trees, at least 20 rows a
    leaf, all latents at each split) is faster and stays within 0.06 of it.

    Trap: the scores depend on the estimator: forests of shallow trees with feature subsampling
    score up to 0.4 too low. They also rise with the number of rows while codes are noisy.

    Source: Eastwood & Williams (2018), "A Framework for the Quantitative Evaluation of
    Disentangled Representations".
    """
    require_two_latents(codes)
    require_two_factors(factors)
    require_varying(factors)
    make = _tree_maker(estimator, seed)
    train, test = codes.astype(np.float32), test_codes.astype(np.float32)
    with ThreadPoolExecutor(n_jobs) as pool:
        models = list(pool.map(lambda factor: make().fit(train, factor), factors.T))
    importance = np.stack([model.feature_importances_ for model in models], axis=1)
    columns = zip(models, test_factors.T, strict=True)
    return DciScores(
        disentanglement=_concentration(importance),
        completeness=_concentration(importance.T),
        informativeness=float(np.mean([np.mean(m.predict(test) == t) for m, t in columns])),
    )


def _tree_maker(estimator: str, seed: int) -> Callable[[], Any]:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    if estimator == "gradient-boosting":
        return lambda: GradientBoostingClassifier(random_state=seed)
    if estimator == "random-forest":
        return lambda: RandomForestClassifier(
            n_estimators=50,
            min_samples_leaf=20,
            max_features=None,  # pyright: ignore[reportArgumentType]
            random_state=seed,
        )
    raise ConfigError(f"estimator {estimator!r} is unknown: expected {' or '.join(ESTIMATORS)}")


def _concentration(importance: Float[np.ndarray, "rows columns"]) -> float:
    """Returns 1 - entropy of each row (base: its length), weighted by its share of the total."""
    rows = importance + 1e-11
    shares = rows / rows.sum(axis=1, keepdims=True)
    entropy = -np.sum(shares * np.log(shares), axis=1) / np.log(rows.shape[1])
    if importance.sum() == 0:
        return float(np.mean(1 - entropy))
    return float(np.average(1 - entropy, weights=importance.sum(axis=1)))
