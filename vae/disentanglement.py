"""How well single latents stand for single factors of variation: published scores, in numpy.

Codes are posterior means `(n, latent)`; factors are class numbers `(n, factors)`. The scores
follow the settings of google-research/disentanglement_lib (`unsupervised_study_v1`) and agree
with it on the same arrays. Their common source of definitions is Locatello et al. (2019),
"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations".

scikit-learn is imported inside the functions that need it, because that takes over a second.
"""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

from vae.codes import scoring_fault
from vae.errors import ConfigError, DataError

BINS = 20
"""Equal-width bins per latent for every mutual information."""

ESTIMATORS = ("gradient-boosting", "random-forest")
"""Names of the estimators that DCI can use; the first is the published one."""


@dataclass(frozen=True)
class DciScores:
    """The three scores of Eastwood & Williams (2018), each in [0, 1]; see `dci`."""

    disentanglement: float
    """Does each latent matter to one factor only?"""

    completeness: float
    """Does each factor need one latent only?"""

    informativeness: float
    """Test accuracy of predicting the factors from the codes, averaged over factors."""


@dataclass(frozen=True)
class Scores:
    """Every score of one set of codes; the function named under each field defines it."""

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

    gaussian_tc: float
    """`gaussian_total_correlation`, in nats, at least 0."""

    estimator: str
    """The estimator behind the three DCI scores; never compare across estimators."""


# Scores of mutual information


def mig(codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]) -> float:
    """Mutual information gap: how far the best latent leads the second best, per factor.

    Mean over factors of (I1 - I2) / H(factor), with I1 and I2 the two largest mutual
    informations (nats) between that factor and a latent. In [0, 1], 1 for one latent a factor.

    Estimator: plug-in, each latent cut into 20 bins of equal width over its own range.
    Source: Chen et al. (2018), "Isolating Sources of Disentanglement in VAEs".
    Trap: a factor held twice, in two latents, scores 0 however clean both are; and a single
    far outlier stretches the bins and lowers the score.
    """
    _require_two_latents(codes)
    _require_varying(factors)
    information = _information(codes, factors)
    return float(np.mean(_lead(information) / _entropies(factors)))


def modularity(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> float:
    """Modularity: does each latent carry information about one factor only?

    Mean over latents of 1 - (sum of the squared informations but the largest) /
    (largest * (factors - 1)). In [0, 1]; a latent without any information counts 0.

    Estimator: mutual information as in `mig`.
    Source: Ridgeway & Mozer (2018), "Learning Deep Disentangled Embeddings with the
    F-Statistic Loss".
    Trap: relative, so blind to how little a latent knows: pure noise scores about 0.6.
    """
    _require_two_factors(factors)
    _require_varying(factors)
    squared = _information(codes, factors) ** 2
    largest = squared.max(axis=1)
    informed = largest > 0
    others = squared.sum(axis=1)[informed] - largest[informed]
    shares = others / (largest[informed] * (factors.shape[1] - 1))
    return float(np.sum(1 - shares) / codes.shape[1])


def _information(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> Float[np.ndarray, "latent factors"]:
    """Mutual information of every latent with every factor, in nats."""
    binned = [_bin(latent) for latent in codes.T]
    labels = [_label(factor) for factor in factors.T]
    return np.array([[_mutual_information(b, f) for f in labels] for b in binned])


def _bin(latent: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Bin numbers from 0; a latent constant up to rounding falls into one bin."""
    latent = latent.astype(np.float64)
    if np.ptp(latent) <= 2 * BINS * np.spacing(np.abs(latent).max()):
        return np.zeros(len(latent), dtype=np.int64)
    edges = np.histogram_bin_edges(latent, BINS)
    return np.digitize(latent, edges[:-1]) - 1


def _label(factor: Integer[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The factor's values numbered from 0."""
    return np.unique(factor, return_inverse=True)[1]


def _mutual_information(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> float:
    """Plug-in estimate in nats from two columns of numbers counted from 0."""
    shape = (a.max() + 1, b.max() + 1)
    counts = np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1])
    joint = counts.reshape(shape) / len(a)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return max(0.0, float(np.sum(joint[seen] * np.log(joint[seen] / apart[seen]))))


def _entropies(factors: Integer[np.ndarray, "n factors"]) -> Float[np.ndarray, " factors"]:
    """Entropy of each factor, in nats."""
    labels = [_label(factor) for factor in factors.T]
    return np.array([_mutual_information(label, label) for label in labels])


def _lead(scores: Float[np.ndarray, "latent factors"]) -> Float[np.ndarray, " factors"]:
    """By how much the best latent beats the second best, for each factor."""
    second, best = np.sort(scores, axis=0)[-2:]
    return best - second


# Separated attribute predictability


def sap_discrete(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
) -> float:
    """Separated attribute predictability: the best latent's lead in test accuracy.

    Mean over factors of the gap between the two latents that predict it best, alone.
    In [0, 1].

    Estimator: per latent and factor, `LinearSVC(C=0.01, class_weight="balanced")`, fitted on
    the first pair of arrays; accuracy on the second.
    Source: Kumar et al. (2018), "Variational Inference of Disentangled Latent Concepts from
    Unlabeled Observations".
    Trap: one linear one-against-rest threshold separates only the outer classes, so a perfect
    code with 5 to 12 classes a factor reaches only about 0.24; and C is fixed, so the score
    depends on the number of training rows (that code: 0.24 with 4000, 0.22 with 2667).
    """
    _require_two_latents(codes)
    _require_varying(factors)
    accuracy = [
        [
            _svm_accuracy(codes[:, i], y, test_codes[:, i], t)
            for y, t in _pairs(factors, test_factors)
        ]
        for i in range(codes.shape[1])
    ]
    return float(np.mean(_lead(np.array(accuracy))))


def sap_continuous(
    codes: Float[np.ndarray, "n latent"], factors: Integer[np.ndarray, "n factors"]
) -> float:
    """Separated attribute predictability: the best latent's lead in squared correlation.

    Mean over factors of the gap between the two latents with the largest squared correlation
    to it. In [0, 1]; a latent of variance below 1e-12 counts as uncorrelated.

    Estimator: sample correlation on all rows; no test set is needed.
    Source: Kumar et al. (2018), as for `sap_discrete`.
    Trap: class numbers are taken as magnitudes, so it means little for unordered classes.
    """
    _require_two_latents(codes)
    _require_varying(factors)
    z, y = (array - array.mean(axis=0) for array in (codes.astype(np.float64), factors))
    spread = z.var(axis=0, ddof=1)
    alive = spread > 1e-12
    covariance = z.T @ y / (len(z) - 1)
    correlation = covariance**2 / np.outer(np.where(alive, spread, 1), y.var(axis=0, ddof=1))
    return float(np.mean(_lead(np.where(alive[:, None], correlation, 0))))


def _svm_accuracy(
    latent: Float[np.ndarray, " n"],
    factor: Integer[np.ndarray, " n"],
    test_latent: Float[np.ndarray, " m"],
    test_factor: Integer[np.ndarray, " m"],
) -> float:
    from sklearn.svm import LinearSVC

    classifier = LinearSVC(C=0.01, class_weight="balanced")
    with _unsettled_fits_allowed():
        classifier.fit(latent[:, None].astype(np.float64), factor)
    return float(
        np.mean(classifier.predict(test_latent[:, None].astype(np.float64)) == test_factor)
    )


# Explicitness


def explicitness(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
) -> float:
    """Explicitness: can a linear classifier read the factors off all latents together?

    Area under the test ROC curve, each value against the rest, averaged over values, then over
    factors. 0.5 is chance, 1 is perfect.

    Estimator: multinomial logistic regression on standardised codes, fitted on the first pair
    of arrays. Values that only one of the two parts holds are left out.
    Source: Ridgeway & Mozer (2018), as for `modularity`.
    Trap: the plain area, as disentanglement_lib reports it, not rescaled from [0.5, 1] to
    [0, 1] as in the paper; and it says nothing about disentanglement: any rotation scores alike.
    """
    _require_varying(factors)
    _require_varying(test_factors, "the test part")
    areas = [_mean_roc_area(codes, y, test_codes, t) for y, t in _pairs(factors, test_factors)]
    return float(np.mean(areas))


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
    with _unsettled_fits_allowed():
        classifier.fit(codes.astype(np.float64), factor)
    chances = classifier.predict_proba(test_codes.astype(np.float64))
    columns = zip(classifier.classes_, chances.T, strict=True)
    hits = [(test_factor == value, chance) for value, chance in columns]
    return float(np.mean([roc_auc_score(hit, chance) for hit, chance in hits if hit.any()]))


# DCI


def dci(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    test_codes: Float[np.ndarray, "m latent"],
    test_factors: Integer[np.ndarray, "m factors"],
    estimator: str = "gradient-boosting",
    seed: int = 0,
    n_jobs: int = 1,
) -> DciScores:
    """Disentanglement, completeness and informativeness from feature importances.

    Disentanglement: 1 - entropy of a latent's importance over factors (base: the number of
    factors), averaged over latents by their share of all importance. Completeness: the same
    for a factor over latents. Informativeness: test accuracy. Each in [0, 1].

    Estimator: one tree ensemble per factor, `n_jobs` at a time. "gradient-boosting" is the
    published choice (`GradientBoostingClassifier`, default settings; 4000 rows, 10 latents and
    5 factors take 20 to 35 s). "random-forest" (50 trees, at least 20 rows a leaf, all
    latents at each split) takes about a second and stays within 0.06 in the first two scores.
    Source: Eastwood & Williams (2018), "A Framework for the Quantitative Evaluation of
    Disentangled Representations".
    Trap: the scores depend on the estimator; forests of shallow trees with feature subsampling
    come out up to 0.4 too low. They also rise with the number of rows while codes are noisy.
    """
    _require_two_latents(codes)
    _require_two_factors(factors)
    _require_varying(factors)
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
    """1 - entropy of each row (base: its length), weighted by the row's share of the total."""
    rows = importance + 1e-11
    shares = rows / rows.sum(axis=1, keepdims=True)
    entropy = -np.sum(shares * np.log(shares), axis=1) / np.log(rows.shape[1])
    if importance.sum() == 0:
        return float(np.mean(1 - entropy))
    return float(np.average(1 - entropy, weights=importance.sum(axis=1)))


# Total correlation


def gaussian_total_correlation(codes: Float[np.ndarray, "n latent"]) -> float:
    """Total correlation of the Gaussian with the codes' covariance, in nats, at least 0.

    -1/2 log det of the correlation matrix: 0 where no latents correlate. Needs no factors.

    Estimator: sample correlation. Constant latents are left out, and eigenvalues are floored
    at 2e-16, so an exact linear copy adds about 18 nats, not infinity.
    Source: Watanabe (1960) for total correlation; the Gaussian form as in Locatello et al.
    (2019).
    Trap: sees linear correlation only; latents that depend on each other in another way can
    score 0.
    """
    codes = codes.astype(np.float64)
    span = np.ptp(codes, axis=0)
    varying = codes[:, span > 0] / span[span > 0]
    if varying.shape[1] < 2:
        return 0.0
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(varying, rowvar=False))
    floored = np.maximum(eigenvalues, np.finfo(np.float64).eps)
    return max(0.0, float(-0.5 * np.sum(np.log(floored))))


# All of them together


def score(
    codes: Float[np.ndarray, "n latent"],
    factors: Integer[np.ndarray, "n factors"],
    estimator: str = "gradient-boosting",
    seed: int = 0,
    n_jobs: int = 1,
) -> Scores:
    """Every score of one set of codes, as `vae metrics` prints them.

    MIG, modularity, continuous SAP, total correlation and the importances of DCI use all rows.
    So does discrete SAP, fitted and tested on the same rows: its accuracy depends on the number
    of training rows through the fixed C, and thresholds on one latent do not overfit thousands.
    Explicitness and DCI's informativeness are fitted on two thirds of the rows, drawn by `seed`,
    and tested on the rest.

    Gradient boosting takes about a minute for 4000 rows, 10 latents and 5 factors (41 values
    in all) on one core, in proportion to rows, latents and values; `n_jobs` shortens it where
    cores are idle. A random forest takes 5 s. DataError where the arrays cannot be scored.
    """
    if fault := scoring_fault(codes, factors):
        raise DataError(fault)
    codes, factors = codes.astype(np.float64), factors.astype(np.int64)
    test, train = np.split(np.random.default_rng(seed).permutation(len(codes)), [len(codes) // 3])
    halves = codes[train], factors[train], codes[test], factors[test]
    _require_varying(factors[train], "the training part (two thirds of the rows)")
    _require_varying(factors[test], "the test part (a third of the rows)")
    importance = dci(codes, factors, codes, factors, estimator, seed, n_jobs)
    prediction = dci(*halves, estimator, seed, n_jobs)
    return Scores(
        mig=mig(codes, factors),
        sap=sap_discrete(codes, factors, codes, factors),
        sap_continuous=sap_continuous(codes, factors),
        dci_disentanglement=importance.disentanglement,
        dci_completeness=importance.completeness,
        dci_informativeness=prediction.informativeness,
        modularity=modularity(codes, factors),
        explicitness=explicitness(*halves),
        gaussian_tc=gaussian_total_correlation(codes),
        estimator=estimator,
    )


# What a single score asks of its arrays


def _require_two_latents(codes: Float[np.ndarray, "n latent"]) -> None:
    if codes.shape[1] < 2:
        raise DataError(f"codes has shape {codes.shape}, expected at least 2 latents")


def _require_two_factors(factors: Integer[np.ndarray, "n factors"]) -> None:
    if factors.shape[1] < 2:
        raise DataError(f"factors has shape {factors.shape}, expected at least 2 factors")


def _require_varying(factors: Integer[np.ndarray, "n factors"], part: str = "these rows") -> None:
    for k, span in enumerate(np.ptp(factors, axis=0)):
        if span == 0:
            raise DataError(f"factor {k} has a single value in {part}, expected at least two")


def _pairs(
    factors: Integer[np.ndarray, "n factors"], test_factors: Integer[np.ndarray, "m factors"]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each factor in both parts."""
    return zip(factors.T, test_factors.T, strict=True)


@contextmanager
def _unsettled_fits_allowed() -> Iterator[None]:
    """The published settings stop linear models early on some codes; that is not news."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
