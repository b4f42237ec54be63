"""Measures whether samples of a VAE help a classifier that has only a few training images.

A conditional VAE is trained on the few labelled images alone, and decodes samples from its prior
for each class. Classifiers are trained on three sets: the images; the images and samples; the
images and shifted copies of them, the simplest augmentation. All are tested on the test split.

Beta matters most here. At beta 1 the code itself encodes the class and the decoder largely ignores
the label, so that samples of the wrong class harm the classifier.

Example:
    >>> dataset = load_dataset("digits", validation_fraction=0)
    >>> found = measure_few_data(dataset, sizes=[100], seeds=[0])
    >>> verdict(found, SAMPLES)
    'Samples make no clear difference: −0.4 points with 100 images.'
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from vae.analysis.replicates import Replicates
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.data.sampling import labelled_indices
from vae.data.splits import Dataset, Split
from vae.models.condition import Condition
from vae.models.vae import VAE
from vae.training import TrainingRun, run_training

IMAGES, SAMPLES, SHIFTS = "images alone", "images and samples", "images and shifted copies"
LOGISTIC, PERCEPTRON = "logistic regression", "perceptron"
COPIES = 5
"""Number of samples, and of shifted copies, for each image."""

STEPS = 1000
"""Number of training steps of the perceptron, for any number of images."""

VAE_STEPS, BETA = 4000, 8.0
"""Training steps and beta of the VAE.

They were chosen with one subset of 100 and one of 1,000 images of MNIST, from 1,000 and 4,000 steps
and from betas of 1 to 8.
"""

BATCH = 50
LATENT_DIM = 10
FURTHEST = 2
"""Largest shift of a copy, in pixels across and down."""

Pixels = Float[np.ndarray, "n h w c"]
Labels = Int[np.ndarray, "n"]
OtherImages = tuple[Float[np.ndarray, "m h w c"], Int[np.ndarray, "m"]]
"""Pixels and labels of another number of images."""


@dataclass(frozen=True)
class AccuracyCell(Record):
    """The test accuracy of one classifier on one kind of training set, for each seed."""

    images: int
    """Number of real images in the training set."""

    classifier: str
    trained_on: str
    accuracy: Replicates


@dataclass(frozen=True)
class FewData(Record):
    """The accuracies of every classifier on every kind of training set."""

    dataset: str
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    """Seeds that select the subsets of images."""

    copies: int
    """Number of samples, and of shifted copies, for each image."""

    cells: tuple[AccuracyCell, ...]

    def __post_init__(self) -> None:
        present = [(cell.images, cell.classifier, cell.trained_on) for cell in self.cells]
        classifiers = {cell.classifier for cell in self.cells}
        wanted = {
            (size, classifier, trained_on)
            for size in self.sizes
            for classifier in classifiers
            for trained_on in (IMAGES, SAMPLES, SHIFTS)
        }
        counts = {len(cell.accuracy.values) for cell in self.cells}
        if not wanted or sorted(present) != sorted(wanted) or len(counts) != 1:
            raise ConfigError("FewData: expected as many values of every size and training set")

    def gain(self, images: int, classifier: str, trained_on: str) -> Replicates:
        """Return the accuracy minus that of training on the images alone, seed by seed."""
        base, other = (
            cell.accuracy.values
            for kind in (IMAGES, trained_on)
            for cell in self.cells
            if (cell.images, cell.classifier, cell.trained_on) == (images, classifier, kind)
        )
        return Replicates(tuple(b - a for a, b in zip(base, other, strict=True)))


def few_images(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Return the data set with `count` training images, equally many per class, and no others.

    The validation split is empty.
    """
    chosen = labelled_indices(dataset.train.labels, count, seed)
    name = f"{count} images of {dataset.name}"
    train = dataset.train.pick(chosen)
    return replace(dataset, name=name, train=train, validation=train.head(0))


def train_conditional(few: Dataset, seed: int) -> VAE:
    """Train a conditional VAE on these images for VAE_STEPS steps at BETA."""
    shape, classes = few.image_shape, len(few.class_names)
    config = ModelConfig(shape, LATENT_DIM, kind="conditional", classes=classes)
    epochs = math.ceil(VAE_STEPS / math.ceil(len(few.train) / BATCH))
    train = TrainConfig(few.name, seed, epochs, BATCH, beta=BETA, validation_fraction=0)
    training = TrainingRun(config, replace(train, warmup_epochs=epochs / 4), few)
    for _ in run_training(training):
        pass
    return training.model


@torch.inference_mode()
def draw_samples(model: VAE, count: int, seed: int) -> tuple[Pixels, Labels]:
    """Decode samples from the prior, with the classes in turn."""
    labels = torch.arange(count) % model.config.classes
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randn(count, model.config.latent_dim, generator=generator)
    images = model.decode_mean(codes, Condition(labels=labels))
    return images.permute(0, 2, 3, 1).numpy(), labels.numpy()


def shifted_copies(pixels: Pixels, labels: Labels, seed: int) -> OtherImages:
    """Copy each image COPIES times, shifted by up to FURTHEST pixels; the border is black."""
    generator = np.random.default_rng(seed)
    height, width = pixels.shape[1:3]
    edge = ((0, 0), (FURTHEST, FURTHEST), (FURTHEST, FURTHEST), (0, 0))
    framed = np.pad(np.repeat(pixels, COPIES, axis=0), edge)
    moves = generator.integers(2 * FURTHEST + 1, size=(len(framed), 2))
    moved = [f[d : d + height, a : a + width] for f, (d, a) in zip(framed, moves, strict=True)]
    return np.stack(moved), np.repeat(labels, COPIES)


def training_sets(few: Dataset, seed: int) -> dict[str, tuple[Pixels, Labels]]:
    """Return the images; with samples; and with equally many shifted copies."""
    pixels, labels = as_arrays(few.train)
    samples = draw_samples(train_conditional(few, seed), COPIES * len(pixels), seed)
    additions = {SAMPLES: samples, SHIFTS: shifted_copies(pixels, labels, seed)}
    joined = {
        name: (np.concatenate([pixels, more]), np.concatenate([labels, more_labels]))
        for name, (more, more_labels) in additions.items()
    }
    return {IMAGES: (pixels, labels), **joined}


def accuracies(train: tuple[Pixels, Labels], test: OtherImages, seed: int) -> dict[str, float]:
    """Train both classifiers on a set and return their test accuracies."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    (pixels, labels), (test_pixels, test_labels) = train, test
    epochs = math.ceil(STEPS / math.ceil(len(pixels) / BATCH))
    classifiers = {
        LOGISTIC: LogisticRegression(C=0.1, max_iter=300),
        PERCEPTRON: MLPClassifier(
            (200,), batch_size=min(BATCH, len(pixels)), max_iter=epochs, random_state=seed
        ),
    }
    flat, test_flat = (images.reshape(len(images), -1) for images in (pixels, test_pixels))
    with warnings.catch_warnings():
        # Training stops after the same number of steps on every set, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            name: float(classifier.fit(flat, labels).score(test_flat, test_labels))
            for name, classifier in classifiers.items()
        }


def measure_few_data(dataset: Dataset, sizes: Sequence[int], seeds: Sequence[int]) -> FewData:
    """Measure both classifiers on all training sets, for every size and seed.

    Raises ConfigError when the data set has images without a label.
    """
    if dataset.train.labels.min() < 0:
        raise ConfigError(f"{dataset.name} has images without a label; choose another data set")
    test, cells = as_arrays(dataset.test), []
    for size in sizes:
        values: dict[tuple[str, str], list[float]] = {}
        for seed in seeds:
            sets = training_sets(few_images(dataset, size, seed), seed)
            for trained_on, train in sets.items():
                for name, accuracy in accuracies(train, test, seed).items():
                    values.setdefault((name, trained_on), []).append(accuracy)
        cells += [AccuracyCell(size, *key, Replicates(tuple(v))) for key, v in values.items()]
    return FewData(dataset.name, tuple(sizes), tuple(seeds), COPIES, tuple(cells))


def as_arrays(split: Split) -> tuple[Pixels, Labels]:
    """Return the pixels in [0, 1] and the labels of a split."""
    return split.pixels(), split.labels.numpy()


def verdict(found: FewData, trained_on: str) -> str:
    """State in one sentence whether a larger training set helps, with the gain for each size.

    It helps when every seed and classifier gains, and hurts when every one loses.
    """
    gains = [
        (size, found.gain(size, classifier, trained_on))
        for size in found.sizes
        for classifier in dict.fromkeys(cell.classifier for cell in found.cells)
    ]
    values = [value for _, gain in gains for value in gain.values]
    word = "make no clear difference"
    if min(values) > 0:
        word = "help"
    elif max(values) < 0:
        word = "hurt"
    changes = ", ".join(
        f"{_points([gain.mean for other, gain in gains if other == size])} with {size} images"
        for size in found.sizes
    )
    return f"{trained_on.removeprefix('images and ').capitalize()} {word}: {changes}."


def _points(gains: Sequence[float]) -> str:
    """Format the mean gain in percentage points, with a sign."""
    return f"{100 * sum(gains) / len(gains):+.1f} points".replace("-", "−")
