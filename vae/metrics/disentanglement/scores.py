"""Computes all disentanglement scores of one set of codes, in full or quickly.

Example:
    scores = quick_score(codes, factors)
    print(scores.mig, scores.dci_disentanglement, scores.estimator)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from vae.core.errors import DataError
from vae.metrics.code_arrays import Pair, pair_fault, scoring_fault, widened
from vae.metrics.disentanglement.correlation import gaussian_total_correlation
from vae.metrics.disentanglement.information import mig, modularity, mutual_information
from vae.metrics.disentanglement.prediction import ESTIMATORS, dci, explicitness
from vae.metrics.disentanglement.requirements import require_varying
from vae.metrics.disentanglement.sampled import beta_vae, factor_vae
from vae.metrics.disentanglement.sap import sap_continuous, sap_discrete

SEEDS = 3
"""Number of seeds of the sampled scores; their mean is reported."""

QUICK_ROWS = 2000
"""Rows that `quick_score` fits on."""


@dataclass(frozen=True)
class Scores:
    """All scores of one set of codes; the function named under each field defines it."""

    mig: float
    """`mig`, in [0, 1]."""

    sap: float
    """`sap_discrete`, in [0, 1]; a perfect code stays far below 1."""

    sap_continuous: float
    """`sap_continuous`, in [0, 1]."""

    dci_disentanglement: float
    """`dci`, in [0, 1]."""

    dci_completeness: float
    """`dci`, in [0, 1]."""

    dci_informativeness: float
    """`dci`, test accuracy in [0, 1]."""

    modularity: float
    """`modularity`, in [0, 1]; noise alone scores about 0.6."""

    explicitness: float
    """`explicitness`, an area under the curve: 0.5 is chance, 1 is perfect."""

    factor_vae: float
    """`factor_vae`, in [0, 1], the mean over `sampling_seeds`; never read it alone."""

    beta_vae: float
    """`beta_vae`, in [0, 1], the mean over `sampling_seeds`."""

    gaussian_tc: float
    """`gaussian_total_correlation`, in nats, at least 0; linear correlation only."""

    mutual_information: tuple[tuple[float, ...], ...]
    """`mutual_information`, in nats: a row for each latent, a column for each factor."""

    factor_vae_by_seed: tuple[float, ...]
    """`factor_vae` for each of `sampling_seeds`."""

    beta_vae_by_seed: tuple[float, ...]
    """`beta_vae` for each of `sampling_seeds`."""

    sampling_seeds: tuple[int, ...]
    """The given seed and the seeds that follow it."""

    estimator: str
    """The estimator of the three DCI scores; never compare across estimators."""

    rows: int
    """Number of rows; `score` explains which rows each score fits on."""

    test_rows: int
    """Number of rows of a separate test part; 0 where `rows` were split instead."""


def score(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test: Pair | None = None,
    estimator: str = "gradient-boosting",
    seed: int = 0,
    n_jobs: int = 1,
) -> Scores:
    """Computes all scores of one set of codes, as `vae metrics` prints them.

    With a `test` pair it follows the published protocol: SAP, explicitness and DCI are fitted on
    `codes` and `factors` and tested on `test`. All other scores use `codes` and `factors` alone.
    Without a test pair, some scores split the rows; see `_predicted`.

    Gradient boosting takes about half a minute for 4000 rows, 10 latents and 5 factors (41 values
    in all) on one core, and a minute without a test pair. The time is proportional to rows, latents
    and values. A random forest takes 5 s, the other scores 2 s. Raises DataError where the arrays
    cannot be scored.

    Args:
        codes: Posterior means.
        factors: Class numbers of the factors.
        test: Codes and factors of a separate test part.
        estimator: One of `ESTIMATORS`, for DCI.
        seed: Seed of all sampling; the sampled scores also use the next seeds.
        n_jobs: Number of factors that DCI fits at the same time.
    """
    if fault := scoring_fault(codes, factors) or (test and pair_fault(codes, factors, *test)):
        raise DataError(fault)
    codes, factors = widened(codes, factors)
    return Scores(
        **_predicted(codes, factors, widened(*test) if test else None, estimator, seed, n_jobs),
        **_sampled(codes, factors, seed),
        mig=mig(codes, factors),
        sap_continuous=sap_continuous(codes, factors),
        modularity=modularity(codes, factors),
        gaussian_tc=gaussian_total_correlation(codes),
        mutual_information=tuple(map(tuple, mutual_information(codes, factors).tolist())),
        rows=len(codes),
        test_rows=len(test[0]) if test else 0,
    )


def _predicted(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test: Pair | None,
    estimator: str,
    seed: int,
    n_jobs: int,
) -> dict[str, Any]:
    """Returns the scores that test a prediction: DCI, discrete SAP and explicitness.

    Without a test pair, discrete SAP is fitted and tested on all rows. Its fixed C makes it depend
    on the number of training rows, and thresholds on one latent do not overfit thousands of rows.
    DCI's importances use all rows too. Explicitness and DCI's informativeness are fitted on two
    thirds of the rows, sampled by `seed`, and tested on the rest. Five-fold cross-validation takes
    six times as long and is no closer: on the noisy reference code (4000 rows, 0.420) it gives
    0.411, and the two thirds give 0.412.

    The arguments are those of `score`.
    """
    parts = codes, factors, *(test or (codes, factors))
    found = dci(*parts, estimator, seed, n_jobs)
    separate = parts if test else _split(codes, factors, seed)
    tested = found if test else dci(*separate, estimator, seed, n_jobs)
    return {
        "sap": sap_discrete(*parts),
        "dci_disentanglement": found.disentanglement,
        "dci_completeness": found.completeness,
        "dci_informativeness": tested.informativeness,
        "explicitness": explicitness(*separate),
        "estimator": estimator,
    }


def _sampled(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"], seed: int
) -> dict[str, Any]:
    """Returns the scores of sampled rows, for each of SEEDS seeds and as their means."""
    seeds = tuple(range(seed, seed + SEEDS))
    factor_scores = tuple(factor_vae(codes, factors, each) for each in seeds)
    beta_scores = tuple(beta_vae(codes, factors, each) for each in seeds)
    return {
        "factor_vae": float(np.mean(factor_scores)),
        "beta_vae": float(np.mean(beta_scores)),
        "factor_vae_by_seed": factor_scores,
        "beta_vae_by_seed": beta_scores,
        "sampling_seeds": seeds,
    }


def quick_score(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    rows: int = QUICK_ROWS,
    seed: int = 0,
    n_jobs: int = 1,
) -> Scores:
    """Computes all scores quickly, with a random forest for DCI and few rows.

    It fits on up to `rows` rows and tests on as many others; `seed` samples both (`sample_parts`).
    2000 rows of 10 latents and 5 factors take about 3 s on one core. The result names its estimator
    and its rows; compare it only with other quick scores of as many rows.
    """
    (codes, factors), test = sample_parts(codes, factors, rows, seed)
    return score(codes, factors, test, ESTIMATORS[1], seed, n_jobs)


def sample_parts(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    rows: int,
    seed: int = 0,
) -> tuple[Pair, Pair]:
    """Samples a part to fit on, of up to `rows` rows, and a test part of as many others.

    With too few rows for both, two thirds are for fitting and one third is for testing.
    """
    order = np.random.default_rng(seed).permutation(len(codes))
    count = min(rows, len(codes) - len(codes) // 3)
    train, test = order[:count], order[count : 2 * count]
    return (codes[train], factors[train]), (codes[test], factors[test])


def _split(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns two thirds of the rows to fit on, then the rest to test on."""
    test, train = np.split(np.random.default_rng(seed).permutation(len(codes)), [len(codes) // 3])
    require_varying(factors[train], "the training part (two thirds of the rows)")
    require_varying(factors[test], "the test part (a third of the rows)")
    return codes[train], factors[train], codes[test], factors[test]
