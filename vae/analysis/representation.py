"""Measures how much codes reveal about classes: by neighbours, a linear probe and clusters.

Three kinds of features get the same scores: the codes (posterior means), the raw pixels, and as
many principal components as the code has dimensions. Everything is fitted on some training images
and scored on the test split. The functions that need scikit-learn import it themselves.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-best")
    >>> split = FittedSplit.from_run(explorer.run)
    >>> found = measure_representation(explorer, split, split.pixel_scores())
    >>> found.codes.probe_accuracy, found.pca.probe_accuracy, found.pixels.probe_accuracy
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float, Int

from vae.core.dataset_name import base_name
from vae.core.errors import ConfigError, DataError
from vae.core.record import Record
from vae.data.registry import load_dataset
from vae.data.splits import Dataset, Split
from vae.explorer import Explorer
from vae.metrics.classification import NEIGHBOURS, split_halves
from vae.metrics.disentanglement.requirements import unsettled_fits_allowed
from vae.runs.run import Run

FITTED = 5000
"""Default number of training images that everything is fitted on."""

PENALTIES = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the probe's penalty, from which the best is chosen."""

CLUSTERINGS, STARTS = 3, 3
"""Number of seeds of k-means, and of starts per seed; the start with the least inertia counts."""

MIN_ROWS = 20
"""Smallest number of labelled test images."""

RESAMPLES = 2000
"""Number of bootstrap resamples of an interval."""


@dataclass(frozen=True)
class FeatureScores(Record):
    """The scores of one kind of features."""

    dimensions: int
    """Number of features of each image."""

    knn_accuracy: float
    """Share of test images whose five nearest fitted images vote for the right class."""

    knn_interval: tuple[float, float]
    """95 % interval over resamples of the test images."""

    probe_accuracy: float
    """Accuracy of a linear classifier (multinomial logistic regression)."""

    probe_interval: tuple[float, float]

    ari: tuple[float, ...]
    """Adjusted Rand index of clusters and classes for each seed: 0 by chance, at most 1."""

    nmi: tuple[float, ...]
    """Normalised mutual information of clusters and classes for each seed, 0 to 1."""

    def __post_init__(self) -> None:
        shares = self.knn_accuracy, self.probe_accuracy, *self.knn_interval, *self.probe_interval
        if not all(abs(v) <= 1 + 1e-9 for v in (*shares, *self.ari, *self.nmi)):
            raise ConfigError("FeatureScores: expected shares and indices from -1 to 1")


@dataclass(frozen=True)
class Representation(Record):
    """The scores of a model's codes and of other features of the same images."""

    latent_dim: int
    fitted: int
    """Number of images that everything is fitted on."""

    tested: int
    """Number of other images that everything is scored on."""

    commonest_label: float
    """Share of the commonest class in the test images: the accuracy of always guessing it."""

    codes: FeatureScores
    pca: FeatureScores | None
    """Scores of as many principal components as the code has dimensions; None without data."""

    pixels: FeatureScores | None
    note: str
    """The reason why there are no images; empty when there are."""


@dataclass(frozen=True)
class Rows:
    """Images as rows of pixels in [0, 1], with their labels."""

    pixels: Float[np.ndarray, "n pixels"]
    labels: Int[np.ndarray, "n"]

    @classmethod
    def of(cls, split: Split) -> Self:
        """Return all images of a split."""
        flat = split.images.flatten(1).numpy().astype(np.float32) / np.float32(255)
        return cls(flat, split.labels.numpy())


@dataclass(frozen=True)
class FittedSplit:
    """Training images to fit on, and the test split to score on."""

    fitted: Rows
    tested: Rows

    @classmethod
    def from_run(
        cls, run: Run, directory: str | Path | None = None, count: int = FITTED, seed: int = 0
    ) -> Self:
        """Read a model's data set; raises DataError when it is absent, and downloads nothing."""
        dataset = load_dataset(
            base_name(run.train.dataset),
            directory,
            validation_fraction=0.0,
            image_shape=run.model.image_shape,
            download=False,
        )
        return cls.from_dataset(dataset, count, seed)

    @classmethod
    def from_dataset(cls, dataset: Dataset, count: int = FITTED, seed: int = 0) -> Self:
        """Sample training images by the seed, without those that have no label."""
        fitted, tested = draw_labelled(dataset.train, count, seed), keep_labelled(dataset.test)
        return cls(Rows.of(fitted), Rows.of(tested))

    def pixel_scores(self, seed: int = 0) -> FeatureScores:
        """Score the pixels themselves."""
        first, last = self.fitted, self.tested
        return score_features(first.pixels, last.pixels, first.labels, last.labels, seed)

    def pca_scores(self, components: int, seed: int = 0) -> FeatureScores:
        """Score principal components of the pixels: at most as many as pixels or fitted images."""
        from sklearn.decomposition import PCA

        first, last = self.fitted, self.tested
        kept = min(components, *first.pixels.shape)
        pca = PCA(kept, random_state=seed).fit(first.pixels)
        fitted_codes, test_codes = (
            pca.transform(rows.pixels).astype(np.float32) for rows in (first, last)
        )
        return score_features(fitted_codes, test_codes, first.labels, last.labels, seed)


def measure_representation(
    explorer: Explorer, split: FittedSplit, pixels: FeatureScores, seed: int = 0
) -> Representation:
    """Score a model's codes and PCA; `pixels` are the `pixel_scores` of the same images."""
    first, last = split.fitted, split.tested
    fitted_codes, test_codes = (_encode(explorer, rows) for rows in (first, last))
    return Representation(
        latent_dim=explorer.latent_dim,
        fitted=len(first.labels),
        tested=len(last.labels),
        commonest_label=_commonest_share(last.labels),
        codes=score_features(fitted_codes, test_codes, first.labels, last.labels, seed),
        pca=split.pca_scores(explorer.latent_dim, seed),
        pixels=pixels,
        note="",
    )


def measure_codes_alone(explorer: Explorer, note: str, seed: int = 0) -> Representation:
    """Fit on one half of the test images' codes and score the other, without the data set.

    `note` is the reason why the data set is absent.
    """
    codes, labels = explorer.atlas.mean, explorer.atlas.label
    known = np.flatnonzero(labels >= 0)
    first, last = (known[half] for half in split_halves(len(known), seed))
    return Representation(
        latent_dim=codes.shape[1],
        fitted=len(first),
        tested=len(last),
        commonest_label=_commonest_share(labels[last]),
        codes=score_features(codes[first], codes[last], labels[first], labels[last], seed),
        pca=None,
        pixels=None,
        note=note,
    )


def draw_labelled(split: Split, count: int, seed: int) -> Split:
    """Sample up to `count` of the images that have a label."""
    known = keep_labelled(split)
    chosen = np.random.default_rng(seed).permutation(len(known))[:count]
    return known.pick(known.labels.new_tensor(chosen))


def keep_labelled(split: Split) -> Split:
    """Return the images that have a label."""
    return split.pick((split.labels >= 0).nonzero()[:, 0])


def check_classes(labels: Int[np.ndarray, "n"]) -> None:
    """Raise DataError unless there are MIN_ROWS labelled images of two classes or more."""
    known = labels[labels >= 0]
    if len(known) < MIN_ROWS or np.ptp(known) == 0:
        raise DataError(
            f"{len(known)} test images of {len(np.unique(known))} classes have a label; the scores "
            f"need {MIN_ROWS} labelled images of two classes or more"
        )


def score_features(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
    seed: int = 0,
) -> FeatureScores:
    """Score one kind of features by neighbours, a linear probe and clusters.

    - Five nearest neighbours use the Euclidean distance of unscaled features.
    - Logistic regression uses features that are standardised by the fitted ones. Its penalty is the
      one of `PENALTIES` with the best accuracy on a fifth of them.
    - k-means clusters the fitted features, with one cluster per class. The clusters of the tested
      features give the adjusted Rand index (Hubert and Arabie 1985) and the mutual information
      divided by the mean of both entropies, for each of CLUSTERINGS seeds.
    """
    from threadpoolctl import threadpool_limits

    data = fitted, tested, fitted_labels, tested_labels
    # On a busy machine, threads that wait for each other take many times as long.
    with threadpool_limits(1):
        knn = knn_hits(*data)
        probe = probe_hits(*data, seed)
        agreement = clusterings(*data, seed)
    return FeatureScores(
        dimensions=fitted.shape[1],
        knn_accuracy=float(knn.mean()),
        knn_interval=interval(knn, seed),
        probe_accuracy=float(probe.mean()),
        probe_interval=interval(probe, seed),
        ari=tuple(ari for ari, _ in agreement),
        nmi=tuple(nmi for _, nmi in agreement),
    )


def knn_hits(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
) -> Bool[np.ndarray, "m"]:
    """Tell for which tested features the nearest fitted ones vote for the right class."""
    from sklearn.neighbors import KNeighborsClassifier

    nearest = KNeighborsClassifier(min(NEIGHBOURS, len(fitted))).fit(fitted, fitted_labels)
    return nearest.predict(tested) == tested_labels


def probe_hits(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
    seed: int = 0,
) -> Bool[np.ndarray, "m"]:
    """Tell which tested features a linear classifier assigns to the right class."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(fitted)
    fitted, tested = scaler.transform(fitted), scaler.transform(tested)
    order = np.random.default_rng(seed).permutation(len(fitted))
    held, rest = np.split(order, [len(order) // 5])
    if len(np.unique(fitted_labels[rest])) < 2:
        raise DataError("the fitted images have a single class; fit on more images")

    def accuracy(penalty: float) -> float:
        probe = _probe(penalty, fitted[rest], fitted_labels[rest])
        return float(np.mean(probe.predict(fitted[held]) == fitted_labels[held]))

    best = max(PENALTIES, key=accuracy)
    return _probe(best, fitted, fitted_labels).predict(tested) == tested_labels


def clusterings(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Return the adjusted Rand index and the normalised mutual information for each seed."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    found = []
    for each in range(seed, seed + CLUSTERINGS):
        means = KMeans(len(np.unique(fitted_labels)), n_init=STARTS, random_state=each).fit(fitted)
        clusters = means.predict(tested)
        ari = adjusted_rand_score(tested_labels, clusters)
        nmi = normalized_mutual_info_score(tested_labels, clusters)
        found.append((float(ari), float(nmi)))
    return found


def interval(hits: Bool[np.ndarray, "n"], seed: int = 0) -> tuple[float, float]:
    """Return the bootstrap's 95 % interval of a share: resampled hits are binomial."""
    shares = np.random.default_rng(seed).binomial(len(hits), hits.mean(), RESAMPLES) / len(hits)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _encode(explorer: Explorer, rows: Rows) -> Float[np.ndarray, "n latent"]:
    channels, height, width = explorer.run.model.image_shape
    images = rows.pixels.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return explorer.encode(images, rows.labels)[0]


def _probe(penalty: float, features: np.ndarray, labels: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    with unsettled_fits_allowed():
        return LogisticRegression(C=penalty, max_iter=200).fit(features, labels)


def _commonest_share(labels: Int[np.ndarray, "n"]) -> float:
    return float(np.bincount(labels).max() / len(labels))
