"""Compares classifiers that have only a few labels, with and without a VAE.

A seed selects the training images that keep their labels, equally many per class
(`vae.data.sampling`). Every method gets the same labels:

- simple probes on raw pixels, and on the codes of a VAE that was trained without labels (M1 of
  Kingma et al. 2014);
- the semi-supervised VAE on images (their M2), read from checkpoints of the same seeds;
- the semi-supervised VAE on the codes of the first VAE (their M1+M2), trained here, because codes
  are small.

M2 reads codes as small images with 8 bits per number: from -4 to 4, padded with grey pixels.

Example:
    >>> dataset = load_dataset("mnist", validation_fraction=0)
    >>> vae = load_run("checkpoints/mnist-best")
    >>> found = measure_few_labels(dataset, vae, labels=100, seeds=[0, 1, 2], code_epochs=5)
    >>> found.errors["nearest neighbour on codes of the VAE"].mean
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.analysis.replicates import Replicates
from vae.analysis.representation import Rows
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError, DataError
from vae.core.record import Record
from vae.data.registry import load_dataset
from vae.data.sampling import labelled_indices
from vae.data.splits import Dataset, Split
from vae.metrics.evaluation import classify_split, encode_split
from vae.models.semi_supervised import SemiSupervisedVAE
from vae.runs.checkpoint import load_model
from vae.runs.run import Run
from vae.training import TrainingRun, run_training

LIMIT = 4.0
"""Codes are clamped to this absolute value before they are stored as bytes."""

CODE_LATENT, CODE_SCALE = 20, 0.05
"""Latent size of M2 on codes, and its standard deviation of a number that is scaled to [0, 1].

They were chosen with the labels of MNIST's seed 0, from sizes of 5 and 20 and deviations of 0.03,
0.05 and 0.1.
"""

PIXELS, CODES = "pixels", "codes of the VAE"
LOGISTIC, NEAREST = "logistic regression", "nearest neighbour"
M2, M1_M2 = "M2: semi-supervised VAE", "M1+M2: semi-supervised VAE on codes"
PUBLISHED = {M2: 0.1197, M1_M2: 0.0333}
"""Test errors on MNIST with 100 labels, from Kingma et al. 2014, table 1."""


@dataclass(frozen=True)
class FewLabels(Record):
    """The share of test images that each method classifies wrongly, for each seed."""

    dataset: str
    labels: int
    seeds: tuple[int, ...]
    """Seeds that select the labelled images."""

    model_seeds: tuple[int, ...]
    """The seeds for which M2 on images was trained."""

    vae: str
    """Name of the VAE that encodes the images."""

    code_epochs: int
    """Training epochs of M2 on codes."""

    epochs: float | None
    """Training epochs of M2 on images; None when there is no such model."""

    errors: dict[str, Replicates]
    """Errors by method."""

    def __post_init__(self) -> None:
        if not set(self.errors) - set(PUBLISHED):
            raise ConfigError("FewLabels: expected the errors of a simple probe")


def probe_errors(
    train: Float[np.ndarray, "n features"],
    train_labels: Int[np.ndarray, "n"],
    test: Float[np.ndarray, "m features"],
    test_labels: Int[np.ndarray, "m"],
) -> dict[str, float]:
    """Fit two simple classifiers and return their test errors."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    probes = {LOGISTIC: LogisticRegression(max_iter=5000), NEAREST: KNeighborsClassifier(1)}
    return {
        name: 1 - float(probe.fit(train, train_labels).score(test, test_labels))
        for name, probe in probes.items()
    }


def codes_as_images(means: Float[Tensor, "n latent"]) -> UInt8[Tensor, "n 1 side side"]:
    """Store codes as bytes, from -LIMIT (0) to LIMIT (255), in the smallest square that fits."""
    count, latent = means.shape
    side = max(4, math.ceil(math.sqrt(latent)))
    pixels = torch.full((count, side * side), 128, dtype=torch.uint8)
    scaled = (means.clamp(-LIMIT, LIMIT) + LIMIT) * (255 / (2 * LIMIT))
    pixels[:, :latent] = scaled.round().to(torch.uint8)
    return pixels.reshape(count, 1, side, side)


def codes_dataset(run: Run, dataset: Dataset) -> Dataset:
    """Return the data set with each image replaced by its code; see `codes_as_images`."""
    model = load_model(run)

    def of_codes(split: Split) -> Split:
        return Split(codes_as_images(encode_split(model, split).mean), split.labels)

    train, test = of_codes(dataset.train), of_codes(dataset.test)
    name = f"{dataset.name} as codes of {run.name}"
    return Dataset(name, dataset.class_names, train, train.head(0), test)


def train_on_codes(codes: Dataset, labels: int, seed: int, epochs: int) -> SemiSupervisedVAE:
    """Train M2 on the codes of M1 with the given number of labels."""
    config = ModelConfig(
        codes.image_shape,
        CODE_LATENT,
        likelihood="gaussian",
        pixel_scale=CODE_SCALE,
        kind="semi-supervised",
        classes=len(codes.class_names),
    )
    train = TrainConfig(
        codes.name,
        seed=seed,
        epochs=epochs,
        batch_size=100,
        learning_rate=3e-3,
        validation_fraction=0,
        precision="bfloat16",
        labelled=labels,
    )
    training = TrainingRun(config, train, codes)
    for _ in run_training(training):
        pass
    assert isinstance(training.model, SemiSupervisedVAE)
    return training.model


def classifier_error(model: SemiSupervisedVAE, test: Split) -> float:
    """Return the share of images whose most probable label under q(y|x) is wrong."""
    predicted = classify_split(model, test).argmax(dim=1)
    return float((predicted != test.labels).double().mean())


def measure_seed(
    dataset: Dataset, codes: Dataset, labels: int, seed: int, code_epochs: int
) -> dict[str, float]:
    """Return the errors of the probes and of M1+M2 with the labels that a seed selects."""
    labelled = labelled_indices(dataset.train.labels, labels, seed)
    found: dict[str, float] = {}
    for features, images in ((PIXELS, dataset), (CODES, codes)):
        train = Rows.of(images.train.pick(labelled))
        test = Rows.of(images.test)
        errors = probe_errors(train.pixels, train.labels, test.pixels, test.labels)
        found |= {f"{name} on {features}": error for name, error in errors.items()}
    model = train_on_codes(codes, labels, seed, code_epochs)
    return found | {M1_M2: classifier_error(model, codes.test)}


def model_error(run: Run, dataset: Dataset) -> float:
    """Return the test error of a semi-supervised checkpoint; raises ConfigError for others."""
    model = load_model(run)
    if not isinstance(model, SemiSupervisedVAE):
        raise ConfigError(f"{run.name} is not semi-supervised; name models that are, or none")
    return classifier_error(model, dataset.test)


def check_models(models: Sequence[Run], dataset: str, labels: int, wanted: Collection[int]) -> None:
    """Raise ConfigError unless the models fit the study, with one seed of `wanted` each."""
    seeds = [run.train.seed for run in models]
    for run in models:
        if (run.train.dataset, run.train.labelled) != (dataset, labels):
            raise ConfigError(
                f"{run.name} was trained on {run.train.dataset} with {run.train.labelled} labels, "
                f"not on {dataset} with {labels}; name models that were"
            )
    if len(set(seeds)) < len(seeds) or not set(seeds) <= set(wanted):
        raise ConfigError(
            f"the models have the seeds {seeds}; name at most one for each of the seeds "
            f"{sorted(wanted)}"
        )


def measure_few_labels(
    dataset: Dataset,
    vae: Run,
    labels: int,
    seeds: Sequence[int],
    code_epochs: int,
    models: Sequence[Run] = (),
) -> FewLabels:
    """Measure all methods for all seeds.

    Args:
        dataset: The images, with an empty validation split.
        vae: The VAE that encodes the images.
        labels: Number of labelled images.
        seeds: Seeds that select the labelled images.
        code_epochs: Training epochs of M2 on codes.
        models: Semi-supervised checkpoints of the same data set, labels and seeds.
    """
    check_models(models, dataset.name, labels, seeds)
    codes = codes_dataset(vae, dataset)
    found = [measure_seed(dataset, codes, labels, seed, code_epochs) for seed in seeds]
    errors = {name: Replicates(tuple(errors[name] for errors in found)) for name in found[0]}
    if models:
        errors[M2] = Replicates(tuple(model_error(run, dataset) for run in models))
    epochs = min((run.results.epochs_trained for run in models), default=None)
    return FewLabels(
        dataset.name,
        labels,
        tuple(seeds),
        tuple(run.train.seed for run in models),
        vae.name,
        code_epochs,
        epochs,
        errors,
    )


def labelled_images(run: Run) -> tuple[UInt8[np.ndarray, "n h w c"], Int[np.ndarray, "n"]] | None:
    """Return the labelled images of a semi-supervised run, in the order of their labels.

    Returns None when its data set is absent (nothing is downloaded), or when the run uses all
    labels.
    """
    if not run.train.labelled:
        return None
    fraction, shape = run.train.validation_fraction, run.model.image_shape
    try:
        dataset = load_dataset(
            run.train.dataset, validation_fraction=fraction, image_shape=shape, download=False
        )
    except DataError:
        return None
    chosen = labelled_indices(dataset.train.labels, run.train.labelled, run.train.seed)
    picked = dataset.train.pick(chosen)
    order = picked.labels.argsort(stable=True)
    return picked.images[order].permute(0, 2, 3, 1).numpy(), picked.labels[order].numpy()


def verdict(found: FewLabels) -> str:
    """State the errors of the best probe and of the semi-supervised models in one sentence."""
    probes = {name: errors for name, errors in found.errors.items() if name not in PUBLISHED}
    best = min(probes, key=lambda name: probes[name].mean)
    words = [f"{best} gets {_percent(probes[best])} of test images wrong"]
    for name in (M2, M1_M2):
        if name in found.errors:
            words.append(f"{name.split(':')[0]} {_percent(found.errors[name])}")
    return f"With {found.labels} labels {', '.join(words)}."


def _percent(errors: Replicates) -> str:
    deviation = f" ± {100 * errors.deviation:.1f}" if len(errors.values) > 1 else ""
    return f"{100 * errors.mean:.1f}{deviation} %"
