"""Compares models that differ only in the latent size: a family, measured on the same images.

The models are not kept. Their measurements are one small file beside the checkpoints, so that the
page shows the comparison without training anything.

Example:
    >>> family = read_finding(Path("checkpoints") / FILE, LatentSizes)
    >>> family.sizes
    (2, 4, 8, 16, 32, 64)
    >>> [model.active_units for model in family.models if model.latent_dim == 2]
    [2, 2, 2]
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Self

from vae.analysis.findings import Finding
from vae.analysis.representation import (
    FITTED,
    FeatureScores,
    FittedSplit,
    check_classes,
    draw_labelled,
    keep_labelled,
    score_features,
)
from vae.core.config import Architecture, ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.data.splits import Dataset, Split
from vae.metrics.evaluation import encode_split, evaluate
from vae.training import TrainingRun, run_training

FILE = "latent-sizes.json"
"""Name of the family's file in the folder of the checkpoints."""


@dataclass(frozen=True)
class SizedModel(Record):
    """One model of the family; losses are in nats per test image."""

    latent_dim: int
    seed: int
    distortion: float
    rate: float
    active_units: int
    seconds: float
    """Time that the training loop took."""

    codes: FeatureScores

    @property
    def negative_elbo(self) -> float:
        """Distortion plus rate."""
        return self.distortion + self.rate


@dataclass(frozen=True)
class LatentSizes(Finding):
    """The measurements of a family of models, and the scores of pixels and PCA."""

    format_name = "latent-explorer-latent-sizes"
    remedy = "restore it from a copy or write it anew with `vae latent-sizes`"

    dataset: str
    architecture: str
    epochs: int
    beta: float
    fitted: int
    """Number of training images that the scores are fitted on."""

    tested: int
    pixels: FeatureScores
    pca: tuple[FeatureScores, ...]
    """Scores for each latent size, with as many principal components."""

    models: tuple[SizedModel, ...]
    command: str
    created: str
    """Time in UTC, as ISO 8601."""

    versions: dict[str, str]
    """Versions of Python and of the libraries that influence the numbers."""

    def __post_init__(self) -> None:
        sizes = {model.latent_dim for model in self.models}
        if not sizes or {pca.dimensions for pca in self.pca} != sizes:
            raise ConfigError("LatentSizes: expected models, and PCA of each of their sizes")
        if not all(math.isfinite(v) for m in self.models for v in (m.negative_elbo, m.seconds)):
            raise ConfigError("LatentSizes: expected finite numbers")

    @property
    def sizes(self) -> tuple[int, ...]:
        """The latent sizes, in rising order."""
        return tuple(sorted({model.latent_dim for model in self.models}))

    def rounded(self) -> Self:
        """Return a copy with five decimals: further digits are noise and enlarge the file."""
        return self.from_dict(_rounded(self.to_dict()))


def train_sizes(
    dataset: Dataset,
    architecture: Architecture,
    train: TrainConfig,
    sizes: Sequence[int],
    seeds: Sequence[int],
    fitted: int = FITTED,
) -> Iterator[SizedModel]:
    """Train and score one model for each latent size and seed.

    Args:
        dataset: The images; raises DataError when their test split has no classes.
        architecture: The networks of all models.
        train: The training settings of all models, except for the seed.
        sizes: The latent sizes.
        seeds: The seeds of the models of each size.
        fitted: Number of training images that the scores are fitted on; always drawn by seed 0.
    """
    check_classes(dataset.test.labels.numpy())
    first, last = draw_labelled(dataset.train, fitted, 0), keep_labelled(dataset.test)
    for size in sizes:
        for seed in seeds:
            config = ModelConfig(dataset.image_shape, size, architecture)
            training = TrainingRun(config, dataclasses.replace(train, seed=seed), dataset)
            for _ in run_training(training):
                pass
            yield _sized(training, dataset.test, first, last)


def baselines(
    dataset: Dataset, sizes: Sequence[int], fitted: int = FITTED
) -> tuple[FeatureScores, tuple[FeatureScores, ...]]:
    """Score the pixels, and PCA of each size, on the same images as `train_sizes`."""
    split = FittedSplit.from_dataset(dataset, fitted)
    return split.pixel_scores(), tuple(split.pca_scores(size) for size in sizes)


Series = dict[str, Sequence[Sequence[float]]]
"""Values by name: for each latent size, a value for each seed."""

MeasureBySize = tuple[str, str, bool, Series]
"""A measure's title, its unit, whether its axis starts at zero, and its values."""


def measures(family: LatentSizes) -> list[MeasureBySize]:
    """Return the measures of a family by latent size: the gains and costs of a larger code."""
    models = [[m for m in family.models if m.latent_dim == size] for size in family.sizes]
    pca = sorted(family.pca, key=lambda scores: scores.dimensions)

    def by_size(value: Callable[[SizedModel], float]) -> Sequence[Sequence[float]]:
        return [[value(model) for model in each] for each in models]

    def with_baselines(value: Callable[[FeatureScores], float]) -> Series:
        return {
            "codes": by_size(lambda model: value(model.codes)),
            "PCA": [[value(scores)] for scores in pca],
            "pixels": [[value(family.pixels)]] * len(pca),
        }

    terms: Series = {
        "−ELBO": by_size(lambda model: model.negative_elbo),
        "distortion": by_size(lambda model: model.distortion),
        "rate": by_size(lambda model: model.rate),
    }
    units: Series = {
        "active units": by_size(lambda model: model.active_units),
        "all units": [[float(size)] for size in family.sizes],
    }
    neighbours = with_baselines(lambda scores: 100 * scores.knn_accuracy)
    probe = with_baselines(lambda scores: 100 * scores.probe_accuracy)
    rand_index = with_baselines(lambda scores: median(scores.ari))
    information = with_baselines(lambda scores: median(scores.nmi))
    return [
        ("What an image costs", "nats", True, terms),
        ("5 nearest neighbours", "% right", False, neighbours),
        ("Linear probe", "% right", False, probe),
        ("Active units", "dimensions", True, units),
        ("k-means: adjusted Rand index", "0 is chance", False, rand_index),
        ("k-means: mutual information", "share", False, information),
    ]


def _sized(training: TrainingRun, test: Split, first: Split, last: Split) -> SizedModel:
    model = training.model.eval().requires_grad_(False)
    evaluation = evaluate(model, test)
    fitted_codes, test_codes = (encode_split(model, split).mean.numpy() for split in (first, last))
    return SizedModel(
        latent_dim=model.config.latent_dim,
        seed=training.config.seed,
        distortion=evaluation.distortion,
        rate=evaluation.rate,
        active_units=evaluation.active_units,
        seconds=training.seconds,
        codes=score_features(fitted_codes, test_codes, first.labels.numpy(), last.labels.numpy()),
    )


def _rounded(value: Any) -> Any:
    """Round every number in nested lists and objects to five decimals."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
