"""What codes say about class labels, for data whose factors nobody knows.

Labels are class numbers `(n,)`; rows whose label is below 0 have none and are left out. These
scores say how well a code keeps the classes; none of them says anything about disentanglement.

Each docstring ends in the paragraphs Range, Estimator, Trap and Source, which
`vae.metrics.glossary` reads. scikit-learn is imported inside the functions that need it.
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


@dataclass(frozen=True)
class LabelScores:
    """Every score of one set of codes against labels; the function named defines it."""

    label_information: tuple[float, ...]
    """`label_information` of each latent, in nats."""

    label_entropy: float
    """Entropy of the label over these rows, in nats: the most that a latent can tell."""

    knn_accuracy: float
    """`knn_accuracy`, in [0, 1]."""

    probe_accuracy: float
    """`probe_accuracy`, in [0, 1]."""

    commonest_label: float
    """Share of the commonest label: what guessing it always would score."""

    labelled_rows: int
    """Rows that have a label; both accuracies are of one half, fitted on the other."""


def label_scores(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> LabelScores:
    """Every score against labels; DataError where there are too few labels to take them.

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
    """Label information: how many nats each latent alone tells about the class label.

    Range: from 0 to the label's entropy (2.3 for ten equal classes), in nats.

    Estimator: plug-in, each latent cut into 20 bins of equal width over its own range.

    Trap: of single latents only: classes that lie on the corners of a square show in both latents
    together, and in neither alone as much; and it knows no scale, so the faint means of a
    collapsed latent can seem to tell 0.1 nats.

    Source: Cover & Thomas (2006), "Elements of Information Theory", section 2.3.
    """
    codes, labels = _labelled(codes, labels)
    return mutual_information(codes, labels[:, None])[:, 0]


def knn_accuracy(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> float:
    """Neighbour accuracy: do codes that lie close together have the same class label?

    Accuracy of the label that most of the 5 nearest codes of the other half have.

    Range: in [0, 1]; always guessing the commonest label scores its share.

    Estimator: 5 nearest neighbours by Euclidean distance, codes as they are; the rows are halved
    by `seed` (`split_halves`), neighbours come from one half, the accuracy from the other.

    Trap: distances are ruled by the latents of largest variance, and it rises with the number of
    rows; it says nothing about disentanglement: any rotation scores alike.

    Source: Cover & Hart (1967), "Nearest Neighbor Pattern Classification".
    """
    from sklearn.neighbors import KNeighborsClassifier

    return _test_accuracy(KNeighborsClassifier(NEIGHBOURS), codes, labels, seed)


def probe_accuracy(
    codes: Float[np.ndarray, "n latent"], labels: Integer[np.ndarray, " n"], seed: int = 0
) -> float:
    """Probe accuracy: can a linear classifier read the class label off the codes?

    Range: in [0, 1]; always guessing the commonest label scores its share.

    Estimator: multinomial logistic regression (C = 1) on codes standardised by the fitted half;
    the rows are halved by `seed` (`split_halves`), the accuracy comes from the other half.

    Trap: sees only what planes can separate: classes that lie as rings score chance; and it says
    nothing about disentanglement.

    Source: Alain & Bengio (2016), "Understanding Intermediate Layers Using Linear Classifier
    Probes".
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression())
    return _test_accuracy(probe, codes, labels, seed)


def split_halves(rows: int, seed: int) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
    """Row numbers to fit on, then those to test on; the former are one more where odd."""
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
    """The rows that have a label; DataError unless they are enough, of several labels."""
    rows = np.flatnonzero(labels >= 0)
    codes, labels = codes[rows].astype(np.float64), labels[rows].astype(np.int64)
    if len(rows) < MIN_ROWS:
        raise DataError(f"{len(rows)} rows have a label, expected at least {MIN_ROWS}")
    if np.ptp(labels) == 0:
        raise DataError(f"all rows have the label {labels[0]}, expected at least two labels")
    return codes, labels
