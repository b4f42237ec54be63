"""The latent size's trade-off: a family of models, alike but for the size, and what each came to.

The models themselves are not kept; what they measured is one small file beside the checkpoints,
so that the trade-off can be shown without training anything.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

from vae.analysis.representation import (
    FITTED,
    FeatureScores,
    FittedSplit,
    check_classes,
    draw,
    labelled,
    score,
)
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError, ConfigError, VaeError
from vae.core.record import Record
from vae.data.splits import Dataset, Split
from vae.metrics.evaluation import encode_split, evaluate
from vae.runs.run import Provenance
from vae.training import TrainingRun, run_training

FILE = "latent-sizes.json"
"""Where the family lies, in the folder of the checkpoints."""

FORMAT, FORMAT_VERSION = "latent-explorer-latent-sizes", 1
MAX_BYTES = 2**20


@dataclass(frozen=True)
class SizedModel(Record):
    """One model of the family; nats per image of the test split."""

    latent_dim: int
    seed: int
    distortion: float
    rate: float
    active_units: int
    seconds: float
    """Spent in the training loop."""

    codes: FeatureScores

    @property
    def negative_elbo(self) -> float:
        """Distortion plus rate."""
        return self.distortion + self.rate

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """As `Record.from_dict`, the nested record included."""
        return super().from_dict({**values, "codes": FeatureScores.from_dict(values["codes"])})


@dataclass(frozen=True)
class LatentSizes(Record):
    """What a family of models came to, and pixels and PCA beside it."""

    dataset: str
    architecture: str
    epochs: int
    beta: float
    fitted: int
    """Training images that the scores were fitted on."""

    tested: int
    pixels: FeatureScores
    pca: tuple[FeatureScores, ...]
    """One for each latent size, with as many components."""

    models: tuple[SizedModel, ...]
    command: str
    created: str
    """UTC, ISO 8601."""

    versions: dict[str, str]
    """Of Python and the libraries that decide the numbers."""

    def __post_init__(self) -> None:
        sizes = {model.latent_dim for model in self.models}
        numbers = [v for m in self.models for v in (m.distortion, m.rate, m.seconds)]
        if not sizes or {pca.dimensions for pca in self.pca} != sizes:
            raise ConfigError("LatentSizes: expected models, and PCA of each of their sizes")
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
            raise ConfigError("LatentSizes: expected finite numbers")
        texts = self.dataset, self.architecture, self.command, self.created
        if not all(isinstance(text, str) for text in texts):
            raise ConfigError("LatentSizes: expected texts for data set, network, command and date")

    @property
    def sizes(self) -> tuple[int, ...]:
        """The latent sizes, rising."""
        return tuple(sorted({model.latent_dim for model in self.models}))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """As `Record.from_dict`, the nested records included."""
        nested = {
            "pixels": FeatureScores.from_dict(values["pixels"]),
            "pca": tuple(map(FeatureScores.from_dict, values["pca"])),
            "models": tuple(map(SizedModel.from_dict, values["models"])),
        }
        return super().from_dict({**values, **nested})


def train_sizes(
    dataset: Dataset,
    architecture: str,
    train: TrainConfig,
    sizes: Sequence[int],
    seeds: Sequence[int],
    fitted: int = FITTED,
) -> Iterator[SizedModel]:
    """Train one model for each latent size and seed, and score it; the split is by seed 0.

    DataError where the images have no classes.
    """
    check_classes(dataset.test.labels.numpy())
    first, last = draw(dataset.train, fitted, 0), labelled(dataset.test)
    for size in sizes:
        for seed in seeds:
            config = ModelConfig(dataset.image_shape, size, architecture)  # type: ignore[arg-type]
            training = TrainingRun(config, dataclasses.replace(train, seed=seed), dataset)
            for _ in run_training(training):
                pass
            yield _sized(training, dataset.test, first, last)


def baselines(
    dataset: Dataset, sizes: Sequence[int], fitted: int = FITTED
) -> tuple[FeatureScores, tuple[FeatureScores, ...]]:
    """Pixels, and PCA of each size, on the images that `train_sizes` takes."""
    drawn = FittedSplit.from_dataset(dataset, fitted)
    return drawn.pixel_scores(), tuple(drawn.pca_scores(size) for size in sizes)


Measured = tuple[str, str, bool, dict[str, Sequence[Sequence[float]]]]
"""A measure's title, its unit, whether zero matters, and its values by size and seed, by name."""


def measures(found: LatentSizes) -> list[Measured]:
    """What a larger code buys and costs."""
    models = [[m for m in found.models if m.latent_dim == size] for size in found.sizes]
    pca = sorted(found.pca, key=lambda quality: quality.dimensions)

    def of(take: Callable[[SizedModel], float]) -> Sequence[Sequence[float]]:
        return [[take(model) for model in each] for each in models]

    def against(title: str, unit: str, take: Callable[[FeatureScores], float]) -> Measured:
        known: dict[str, Sequence[Sequence[float]]] = {
            "codes": of(lambda model: take(model.codes)),
            "PCA": [[take(quality)] for quality in pca],
            "pixels": [[take(found.pixels)]] * len(pca),
        }
        return title, unit, False, known

    terms = {
        "−ELBO": of(lambda model: model.negative_elbo),
        "distortion": of(lambda model: model.distortion),
        "rate": of(lambda model: model.rate),
    }
    units: dict[str, Sequence[Sequence[float]]] = {
        "active units": of(lambda model: model.active_units),
        "all units": [[float(size)] for size in found.sizes],
    }
    return [
        ("What an image costs", "nats", True, terms),
        against("5 nearest neighbours", "% right", lambda q: 100 * q.knn_accuracy),
        against("Linear probe", "% right", lambda q: 100 * q.probe_accuracy),
        ("Active units", "dimensions", True, units),
        against("k-means: adjusted Rand index", "0 is chance", lambda q: median(q.ari)),
        against("k-means: mutual information", "share", lambda q: median(q.nmi)),
    ]


def now_and_with(device: Any) -> tuple[str, dict[str, str]]:
    """The time, and the versions of the libraries."""
    from importlib import metadata

    versions = Provenance.here(device).versions
    versions["scikit-learn"] = metadata.version("scikit-learn")
    return datetime.now(UTC).isoformat(timespec="seconds"), versions


def write_latent_sizes(found: LatentSizes, path: Path) -> None:
    """Write the file; CheckpointError where the disk refuses."""
    record = {"format": FORMAT, "format_version": FORMAT_VERSION, **_rounded(found.to_dict())}
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise CheckpointError(f"{path} could not be written ({error.strerror})") from error


def read_latent_sizes(root: Path) -> LatentSizes | None:
    """The family of a folder of checkpoints; None where there is none.

    CheckpointError, which names the file, for one that this program did not write.
    """
    file = root / FILE
    remedy = "restore it from a copy or write it anew with `vae latent-sizes`"
    try:
        if not file.is_file():
            return None
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError("it is too large")
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
            raise ConfigError("it was not written by this program")
        if record.pop("format_version", None) != FORMAT_VERSION:
            raise ConfigError(f"its format version is not {FORMAT_VERSION}")
        return LatentSizes.from_dict(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error if isinstance(error, VaeError) else "it is damaged"
        raise CheckpointError(f"{file} cannot be used: {reason}; {remedy}") from error


def _sized(training: TrainingRun, test: Split, first: Split, last: Split) -> SizedModel:
    model = training.model.eval().requires_grad_(False)
    found = evaluate(model, test)
    fitted_codes, test_codes = (encode_split(model, split).mean.numpy() for split in (first, last))
    return SizedModel(
        model.config.latent_dim,
        training.config.seed,
        found.distortion,
        found.rate,
        found.active_units,
        training.seconds,
        score(fitted_codes, test_codes, first.labels.numpy(), last.labels.numpy()),
    )


def _rounded(value: Any) -> Any:
    """Numbers to five digits after the point: the rest is noise, and fills the file."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
