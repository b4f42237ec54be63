"""What codes know of the classes: neighbours, a linear probe and clusters, beside pixels and PCA.

The same three questions are put to the codes (posterior means), to the raw pixels, and to as many
principal components as the code has dimensions: what a linear method keeps in the same room.
Everything is fitted on some training images and scored on the test split. scikit-learn is imported
inside the functions that need it.
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
"""Training images that everything is fitted on."""

PENALTIES = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the probe's penalty that are tried."""

CLUSTERINGS, STARTS = 3, 3
"""Seeds of k-means, and starts for each, of which the one of least inertia counts."""

MIN_ROWS = 20
RESAMPLES = 2000


@dataclass(frozen=True)
class FeatureScores(Record):
    """What one kind of features knows of the classes."""

    dimensions: int
    """Numbers for each image."""

    knn_accuracy: float
    """Share of test images whose five nearest fitted ones vote for the right class."""

    knn_interval: tuple[float, float]
    """95 % of it over resamples of the test images."""

    probe_accuracy: float
    """The same of a linear classifier (multinomial logistic regression)."""

    probe_interval: tuple[float, float]

    ari: tuple[float, ...]
    """Adjusted Rand index of clusters and classes by k-means' seed: 0 by chance, 1 at best."""

    nmi: tuple[float, ...]
    """Normalised mutual information of the same, 0 to 1."""

    def __post_init__(self) -> None:
        shares = self.knn_accuracy, self.probe_accuracy, *self.knn_interval, *self.probe_interval
        if not all(abs(v) <= 1 + 1e-9 for v in (*shares, *self.ari, *self.nmi)):
            raise ConfigError("FeatureScores: expected shares and indices from -1 to 1")


@dataclass(frozen=True)
class Representation(Record):
    """One model's codes beside other features of the same images."""

    latent_dim: int
    fitted: int
    """Images that everything was fitted on."""

    tested: int
    """Other images, that everything was scored on."""

    commonest_label: float
    """Share of the commonest class among the tested: what guessing it always would score."""

    codes: FeatureScores
    pca: FeatureScores | None
    """As many principal components as the code has dimensions; None without the data set."""

    pixels: FeatureScores | None
    note: str
    """Why there are no images, where there are none; else empty."""


@dataclass(frozen=True)
class Rows:
    """Images as rows of pixels in [0, 1], with a label for each."""

    pixels: Float[np.ndarray, "n pixels"]
    labels: Int[np.ndarray, "n"]

    @classmethod
    def of(cls, split: Split) -> Self:
        """All images of a split."""
        flat = split.images.flatten(1).numpy().astype(np.float32) / np.float32(255)
        return cls(flat, split.labels.numpy())


@dataclass(frozen=True)
class FittedSplit:
    """Training images to fit on, and the test split."""

    fitted: Rows
    tested: Rows

    @classmethod
    def from_run(
        cls, run: Run, directory: str | Path | None = None, count: int = FITTED, seed: int = 0
    ) -> Self:
        """Those of a model's data set; DataError where it is absent: nothing is fetched."""
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
        """Training images drawn by the seed; those without a label are left out."""
        fitted, tested = draw_labelled(dataset.train, count, seed), with_labels(dataset.test)
        return cls(Rows.of(fitted), Rows.of(tested))

    def pixel_scores(self, seed: int = 0) -> FeatureScores:
        """The scores of the pixels themselves."""
        first, last = self.fitted, self.tested
        return score_features(first.pixels, last.pixels, first.labels, last.labels, seed)

    def pca_scores(self, components: int, seed: int = 0) -> FeatureScores:
        """The scores of principal components of the pixels, fitted on the fitted images.

        There are never more of them than pixels or fitted images.
        """
        from sklearn.decomposition import PCA

        first, last = self.fitted, self.tested
        kept = min(components, *first.pixels.shape)
        pca = PCA(kept, random_state=seed).fit(first.pixels)
        fitted_codes, test_codes = (
            pca.transform(rows.pixels).astype(np.float32) for rows in (first, last)
        )
        return score_features(fitted_codes, test_codes, first.labels, last.labels, seed)


def measure_representation(
    explorer: Explorer, drawn: FittedSplit, pixels: FeatureScores, seed: int = 0
) -> Representation:
    """A model's codes beside PCA and `pixels`, the `pixel_scores` of the same images."""
    first, last = drawn.fitted, drawn.tested
    fitted_codes, test_codes = (_encode(explorer, rows) for rows in (first, last))
    return Representation(
        explorer.latent_dim,
        len(first.labels),
        len(last.labels),
        _commonest(last.labels),
        score_features(fitted_codes, test_codes, first.labels, last.labels, seed),
        drawn.pca_scores(explorer.latent_dim, seed),
        pixels,
        "",
    )


def measure_codes_alone(explorer: Explorer, note: str, seed: int = 0) -> Representation:
    """Without the data set: fitted on a half of the test images' codes, scored on the other.

    `note` says why.
    """
    codes, labels = explorer.atlas.mean, explorer.atlas.label
    known = np.flatnonzero(labels >= 0)
    first, last = (known[half] for half in split_halves(len(known), seed))
    return Representation(
        codes.shape[1],
        len(first),
        len(last),
        _commonest(labels[last]),
        score_features(codes[first], codes[last], labels[first], labels[last], seed),
        None,
        None,
        note,
    )


def draw_labelled(split: Split, count: int, seed: int) -> Split:
    """Up to so many images that have a label."""
    known = with_labels(split)
    chosen = np.random.default_rng(seed).permutation(len(known))[:count]
    return known.pick(known.labels.new_tensor(chosen))


def with_labels(split: Split) -> Split:
    """The images that have a label."""
    return split.pick((split.labels >= 0).nonzero()[:, 0])


def check_classes(labels: Int[np.ndarray, "n"]) -> None:
    """DataError unless there are two classes, and enough images."""
    known = labels[labels >= 0]
    if len(known) < MIN_ROWS or np.ptp(known) == 0:
        raise DataError(
            f"{len(known)} test images have a class, of {len(np.unique(known))} classes; to ask "
            f"what codes know takes {MIN_ROWS} images of two classes or more"
        )


def score_features(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
    seed: int = 0,
) -> FeatureScores:
    """All three questions to one kind of features.

    Five nearest neighbours by Euclidean distance, features as they are. Logistic regression on
    features standardised by the fitted ones; its penalty is the one that does best on a fifth of
    them (`PENALTIES`). k-means on the fitted features with as many clusters as they have classes;
    adjusted Rand index (Hubert and Arabie 1985) and mutual information over the mean of both
    entropies, of the tested features' clusters, for each of CLUSTERINGS seeds.
    """
    from threadpoolctl import threadpool_limits

    told = fitted_labels, tested_labels
    # Threads that wait for each other on a busy machine take many times as long.
    with threadpool_limits(1):
        near = knn_hits(fitted, tested, *told)
        straight = probe_hits(fitted, tested, *told, seed)
        agreement = clusterings(fitted, tested, *told, seed)
    return FeatureScores(
        fitted.shape[1],
        float(near.mean()),
        interval(near, seed),
        float(straight.mean()),
        interval(straight, seed),
        tuple(ari for ari, _ in agreement),
        tuple(nmi for _, nmi in agreement),
    )


def knn_hits(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
) -> Bool[np.ndarray, "m"]:
    """Which tested features the nearest fitted ones vote right for."""
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
    """Which tested features a linear classifier is right about."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(fitted)
    fitted, tested = scaler.transform(fitted), scaler.transform(tested)
    order = np.random.default_rng(seed).permutation(len(fitted))
    held, rest = np.split(order, [len(order) // 5])
    if len(np.unique(fitted_labels[rest])) < 2:
        raise DataError("the fitted images are of a single class; give more of them")

    def right(penalty: float) -> float:
        tried = _probe(penalty, fitted[rest], fitted_labels[rest])
        return float(np.mean(tried.predict(fitted[held]) == fitted_labels[held]))

    best = max(PENALTIES, key=right)
    return _probe(best, fitted, fitted_labels).predict(tested) == tested_labels


def clusterings(
    fitted: Float[np.ndarray, "n d"],
    tested: Float[np.ndarray, "m d"],
    fitted_labels: Int[np.ndarray, "n"],
    tested_labels: Int[np.ndarray, "m"],
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Adjusted Rand index and normalised mutual information by seed."""
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
    """The bootstrap's 95 % of a share: resampled hits are a binomial draw."""
    drawn = np.random.default_rng(seed).binomial(len(hits), hits.mean(), RESAMPLES) / len(hits)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _encode(explorer: Explorer, rows: Rows) -> Float[np.ndarray, "n latent"]:
    channels, height, width = explorer.run.model.image_shape
    images = rows.pixels.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return explorer.encode(images, rows.labels)[0]


def _probe(penalty: float, features: np.ndarray, labels: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    with unsettled_fits_allowed():
        return LogisticRegression(C=penalty, max_iter=200).fit(features, labels)


def _commonest(labels: Int[np.ndarray, "n"]) -> float:
    return float(np.bincount(labels).max() / len(labels))
