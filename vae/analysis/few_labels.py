"""Few labels: what a hundred of them come to, with a VAE and without.

Each draw keeps the labels of a few training images, as many of each class (`vae.data.sampling`),
and every method gets the same ones: simple probes on raw pixels and on the codes of a VAE that was
trained without any label (M1 of Kingma et al. 2014); the semi-supervised VAE on images (their M2,
read from checkpoints whose seeds are the draws); and the semi-supervised VAE on the codes of that
VAE (their M1+M2), trained here, as codes are small.

The codes reach M2 as small images of 8 bits a number: a code from -4 to 4, its last pixels grey.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.analysis.replicates import Replicates
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
"""Codes beyond it are cut off before they are made into bytes."""

CODE_LATENT, CODE_SCALE = 20, 0.05
"""Of M2 on codes: its latent size, and the standard deviation of a number scaled to [0, 1].

Tried on the first draw of MNIST's labels: sizes of 5 and 20, deviations of 0.03, 0.05 and 0.1.
"""

PIXELS, CODES = "pixels", "codes of the VAE"
LOGISTIC, NEAREST = "logistic regression", "nearest neighbour"
M2, M1_M2 = "M2: semi-supervised VAE", "M1+M2: semi-supervised VAE on codes"
PUBLISHED = {M2: 0.1197, M1_M2: 0.0333}
"""Test errors on MNIST with 100 labels, Kingma et al. 2014, table 1."""


@dataclass(frozen=True)
class FewLabels(Record):
    """Shares of test images that each method gets wrong, by draw of labels."""

    dataset: str
    labels: int
    seeds: tuple[int, ...]
    """A draw each."""

    model_seeds: tuple[int, ...]
    """The draws for which there is M2 on images: the others were not trained."""

    vae: str
    """The VAE whose codes are used."""

    code_epochs: int
    """Of M2 on codes."""

    epochs: float | None
    """Of M2 on images; None where there is no such model."""

    errors: dict[str, Replicates]
    """By method."""

    def __post_init__(self) -> None:
        if not set(self.errors) - set(PUBLISHED):
            raise ConfigError("FewLabels: expected the errors of a simple probe")


@dataclass(frozen=True)
class LabelDraw:
    """One draw of labels: which images have one, and what they are seen as."""

    seed: int
    labelled: Int[np.ndarray, "n"]


def draw_labels(dataset: Dataset, count: int, seed: int) -> LabelDraw:
    """The draw that a run of this seed trains with."""
    return LabelDraw(seed, labelled_indices(dataset.train.labels, count, seed).numpy())


def probe_errors(
    train: Float[np.ndarray, "n features"],
    train_labels: Int[np.ndarray, "n"],
    test: Float[np.ndarray, "m features"],
    test_labels: Int[np.ndarray, "m"],
) -> dict[str, float]:
    """The test errors of two simple classifiers."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    probes = {LOGISTIC: LogisticRegression(max_iter=5000), NEAREST: KNeighborsClassifier(1)}
    return {
        name: 1 - float(probe.fit(train, train_labels).score(test, test_labels))
        for name, probe in probes.items()
    }


def codes_as_images(means: Float[Tensor, "n latent"]) -> UInt8[Tensor, "n 1 side side"]:
    """Codes as bytes, -LIMIT as 0 and LIMIT as 255, row by row in the smallest square they fit."""
    count, latent = means.shape
    side = max(4, math.ceil(math.sqrt(latent)))
    pixels = torch.full((count, side * side), 128, dtype=torch.uint8)
    scaled = (means.clamp(-LIMIT, LIMIT) + LIMIT) * (255 / (2 * LIMIT))
    pixels[:, :latent] = scaled.round().to(torch.uint8)
    return pixels.reshape(count, 1, side, side)


def codes_dataset(run: Run, dataset: Dataset) -> Dataset:
    """The data set as a VAE's codes, each a small image; see `codes_as_images`."""
    model = load_model(run)

    def of_codes(split: Split) -> Split:
        return Split(codes_as_images(encode_split(model, split).mean), split.labels)

    train, test = of_codes(dataset.train), of_codes(dataset.test)
    name = f"{dataset.name} as codes of {run.name}"
    return Dataset(name, dataset.class_names, train, train.head(0), test)


def train_on_codes(codes: Dataset, labels: int, seed: int, epochs: int) -> SemiSupervisedVAE:
    """M2 on the codes of M1, told so many labels."""
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
    """The share of a test split whose most probable label under q(y|x) is not its own."""
    guessed = classify_split(model, test).argmax(dim=1)
    return float((guessed != test.labels).double().mean())


def measure_draw(
    dataset: Dataset, codes: Dataset, draw: LabelDraw, code_epochs: int
) -> dict[str, float]:
    """The errors of the probes and of M1+M2 for one draw of labels."""
    found: dict[str, float] = {}
    for words, seen in ((PIXELS, dataset), (CODES, codes)):
        train, test = seen.train.pick(torch.from_numpy(draw.labelled)), seen.test
        errors = probe_errors(
            _features(train), train.labels.numpy(), _features(test), test.labels.numpy()
        )
        found |= {f"{name} on {words}": error for name, error in errors.items()}
    model = train_on_codes(codes, len(draw.labelled), draw.seed, code_epochs)
    return found | {M1_M2: classifier_error(model, codes.test)}


def model_error(run: Run, dataset: Dataset) -> float:
    """The error of a semi-supervised checkpoint on the test split; ConfigError for another kind."""
    model = load_model(run)
    if not isinstance(model, SemiSupervisedVAE):
        raise ConfigError(f"{run.name} is not semi-supervised; name models that are, or none")
    return classifier_error(model, dataset.test)


def check_models(models: Sequence[Run], dataset: str, labels: int, draws: Collection[int]) -> None:
    """ConfigError unless all were trained on a data set with so many labels, a draw each."""
    seeds = [run.train.seed for run in models]
    for run in models:
        if (run.train.dataset, run.train.labelled) != (dataset, labels):
            raise ConfigError(
                f"{run.name} was trained on {run.train.dataset} with {run.train.labelled} labels, "
                f"not on {dataset} with {labels}; name models of the same draw"
            )
    if len(set(seeds)) < len(seeds) or not set(seeds) <= set(draws):
        raise ConfigError(
            f"the models are of the seeds {seeds}; name one at most for each of the draws "
            f"{sorted(draws)}"
        )


def measure_few_labels(
    dataset: Dataset,
    vae: Run,
    labels: int,
    seeds: Sequence[int],
    code_epochs: int,
    models: Sequence[Run] = (),
) -> FewLabels:
    """All methods over all draws; `models` are semi-supervised checkpoints of those draws.

    The data set must be the one that they were trained on, no image held out.
    """
    check_models(models, dataset.name, labels, seeds)
    codes = codes_dataset(vae, dataset)
    found = [
        measure_draw(dataset, codes, draw_labels(dataset, labels, seed), code_epochs)
        for seed in seeds
    ]
    errors = {name: Replicates(tuple(draw[name] for draw in found)) for name in found[0]}
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


def _features(split: Split) -> Float[np.ndarray, "n features"]:
    return split.images.flatten(1).numpy().astype(np.float32) / 255


def labelled_images(run: Run) -> tuple[UInt8[np.ndarray, "n h w c"], Int[np.ndarray, "n"]] | None:
    """The images whose label a semi-supervised run was told, by label, and those labels.

    None where its data set is not at hand, or it was told all labels. Downloads nothing.
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
    """In one sentence: the best simple probe, and what the semi-supervised models come to."""
    probes = {name: s for name, s in found.errors.items() if name not in PUBLISHED}
    best = min(probes, key=lambda name: probes[name].mean)
    words = [f"{best} gets {_percent(probes[best])} of test images wrong"]
    for name in (M2, M1_M2):
        if name in found.errors:
            words.append(f"{name.split(':')[0]} {_percent(found.errors[name])}")
    return f"With {found.labels} labels {', '.join(words)}."


def _percent(spread: Replicates) -> str:
    scatter = f" ± {100 * spread.deviation:.1f}" if len(spread.values) > 1 else ""
    return f"{100 * spread.mean:.1f}{scatter} %"
