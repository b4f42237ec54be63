"""Measures how well codes preserve class labels, for data without known factors.

Labels are class numbers `(n,)`; rows with a label below 0 are left out. No score here measures
disentanglement.

Each docstring ends in the paragraphs Range, Estimator, Trap and Source, which
`vae.metrics.glossary` reads. Functions import scikit-learn themselves, because that is slow.

Example:
    scores = label_scores(codes, labels)
    print(scores.knn_accuracy, scores.commonest_label)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

from vae.core.errors import DataError
from vae.metrics.code_arrays import MIN_ROWS
from vae.metrics.disentanglement.information import factor_entropies, mutual_information
from vae.metrics.disentanglement.requirements import unsettled_fits_allowed

NEIGHBOURS = 5
"""The k of the nearest-neighbour classifier."""


@dataclass(frozen=True)
class LabelScores:
    """All label scores of one set of codes; the named functions define them."""

    label_information: tuple[float, ...]
    """`label_information` of each latent, in nats."""

    label_entropy: float
    """Entropy of the label over these rows, in nats: the upper bound of label information."""

    knn_accuracy: float
    """`knn_accuracy`, in [0, 1]."""

    probe_accuracy: float
    """`probe_accuracy`, in [0, 1]."""

    commonest_label: float
    """Share of the commonest label: the accuracy of always predicting it."""

    labelled_rows: int
    """Number of rows with a label; accuracies are fitted on one half and tested on the other."""


def label_scores(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> LabelScores:
    """Computes all label scores; raises DataError where there are too few labels.

    5000 rows of 10 latents take less than a second.
    """
    codes, labels = _labelled(codes, labels)
    return LabelScores(
        label_information=tuple(label_information(codes, labels).tolist()),
        label_entropy=float(factor_entropies(labels[:, None])[0]),
        knn_accuracy=knn_accuracy(codes, labels, seed),
        probe_accuracy=probe_accuracy(codes, labels, seed),
        commonest_label=float(np.bincount(labels).max() / len(labels)),
        labelled_rows=len(labels),
    )


def label_information(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, " latent"]:
    """Label information: how many nats does each single latent tell about the class label?

    Range: from 0 to the entropy of the label (2.3 for ten equal classes), in nats.

    Estimator: the plug-in estimate; each latent is cut into 20 bins of equal width over its range.

    Trap: it sees single latents only. Classes at the corners of a square show in two latents
    together, and much less in either alone. It also ignores scale, so the tiny means of a collapsed
    latent can seem to tell 0.1 nats.

    Source: Cover & Thomas (2006), "Elements of Information Theory", section 2.3.
    """
    codes, labels = _labelled(codes, labels)
    return mutual_information(codes, labels[:, None])[:, 0]


def knn_accuracy(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> float:
    """Neighbour accuracy: do codes that lie close together have the same class label?

    It predicts the commonest label among the 5 nearest codes of the other half.

    Range: in [0, 1]; always guessing the commonest label scores its share.

    Estimator: 5 nearest neighbours by Euclidean distance of the unscaled codes. `seed` halves the
    rows (`split_halves`); one half gives the neighbours, the other half gives the accuracy.

    Trap: latents of large variance dominate the distances, and the accuracy rises with the number
    of rows. It does not measure disentanglement: any rotation scores the same.

    Source: Cover & Hart (1967), "Nearest Neighbor Pattern Classification".
    """
    from sklearn.neighbors import KNeighborsClassifier

    return _test_accuracy(KNeighborsClassifier(NEIGHBOURS), codes, labels, seed)


def probe_accuracy(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> float:
    """Probe accuracy: can a linear classifier predict the class label from the codes?

    Range: in [0, 1]; always guessing the commonest label scores its share.

    Estimator: multinomial logistic regression (C = 1) on codes standardised by the fitted half.
    `seed` halves the rows (`split_halves`); the other half gives the accuracy.

    Trap: it sees only classes that planes can separate; classes shaped as rings score chance. It
    does not measure disentanglement.

    Source: Alain & Bengio (2016), "Understanding Intermediate Layers Using Linear Classifier
    Probes".
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression())
    return _test_accuracy(probe, codes, labels, seed)


def split_halves(rows: int, seed: int) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
    """Returns the rows to fit on, then the rows to test on; fitting gets the odd row."""
    order = np.random.default_rng(seed).permutation(rows)
    fitted, tested = np.split(order, [rows - rows // 2])
    return fitted, tested


def _test_accuracy(
    classifier: Any,
    codes: Float[np.ndarray, "n latent"],
    labels: Integer[np.ndarray, " n"],
    seed: int,
) -> float:
    codes, labels = _labelled(codes, labels)
    fitted, tested = split_halves(len(codes), seed)
    if np.ptp(labels[fitted]) == 0:
        raise DataError("the half that is fitted on has a single label; give more rows")
    with unsettled_fits_allowed():
        classifier.fit(codes[fitted], labels[fitted])
    return float(np.mean(classifier.predict(codes[tested]) == labels[tested]))


def _labelled(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "k latent"], Int[np.ndarray, " k"]]:
    """Returns the rows with a label; raises DataError for too few rows or a single label."""
    rows = np.flatnonzero(labels >= 0)
    codes, labels = codes[rows].astype(np.float64), labels[rows].astype(np.int64)
    if len(rows) < MIN_ROWS:
        raise DataError(f"{len(rows)} rows have a label, expected at least {MIN_ROWS}")
    if np.ptp(labels) == 0:
        raise DataError(f"all rows have the label {labels[0]}, expected at least two labels")
    return codes, labels
