"""Few data: whether samples of a VAE help a classifier that has only a few images.

A conditional VAE is trained on the few labelled images alone, and decodes draws from its prior as
each class. Classifiers are trained on the images, on images and samples, and on images and shifted
copies of them, which is the simplest thing to do instead; all are asked about the test split.

What beta weighs matters most here: at 1 the code says the class by itself, the decoder hardly minds
the label, and samples of another class than the one asked for do harm.
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
"""Samples, and shifted copies, for each image."""

STEPS = 1000
"""Of the perceptron's training, however many images there are."""

VAE_STEPS, BETA = 4000, 8.0
"""Of the VAE's; tried on one draw of 100 and of 1,000 images of MNIST: 1,000 and 4,000 steps, betas
of 1 to 8."""

BATCH = 50
LATENT_DIM = 10
FURTHEST = 2
"""Pixels by which a copy is shifted at most, across and down."""

Pixels = Float[np.ndarray, "n h w c"]
Labels = Int[np.ndarray, "n"]
OtherImages = tuple[Float[np.ndarray, "m h w c"], Int[np.ndarray, "m"]]
"""Pixels and labels, of another number of images."""


@dataclass(frozen=True)
class AccuracyCell(Record):
    """The test accuracies of one classifier on one kind of training set, a value for each draw."""

    images: int
    """Real images in the training set."""

    classifier: str
    trained_on: str
    accuracy: Replicates


@dataclass(frozen=True)
class FewData(Record):
    """Every classifier on every kind of training set."""

    dataset: str
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    """A draw of images each."""

    copies: int
    """Samples, and shifted copies, for each image."""

    cells: tuple[AccuracyCell, ...]

    def __post_init__(self) -> None:
        taken = [(cell.images, cell.classifier, cell.trained_on) for cell in self.cells]
        classifiers = {cell.classifier for cell in self.cells}
        wanted = {
            (size, classifier, what)
            for size in self.sizes
            for classifier in classifiers
            for what in (IMAGES, SAMPLES, SHIFTS)
        }
        draws = {len(cell.accuracy.values) for cell in self.cells}
        if not wanted or sorted(taken) != sorted(wanted) or len(draws) != 1:
            raise ConfigError("FewData: expected as many draws of every size and training set")

    def gain(self, images: int, classifier: str, trained_on: str) -> Replicates:
        """By how much the accuracy rises over that on the images alone, draw by draw."""
        base, other = (
            cell.accuracy.values
            for what in (IMAGES, trained_on)
            for cell in self.cells
            if (cell.images, cell.classifier, cell.trained_on) == (images, classifier, what)
        )
        return Replicates(tuple(b - a for a, b in zip(base, other, strict=True)))


def few_images(dataset: Dataset, count: int, seed: int) -> Dataset:
    """The data set with so many training images, as many of each class, and none held out."""
    chosen = labelled_indices(dataset.train.labels, count, seed)
    name = f"{count} images of {dataset.name}"
    train = dataset.train.pick(chosen)
    return replace(dataset, name=name, train=train, validation=train.head(0))


def train_conditional(few: Dataset, seed: int) -> VAE:
    """A conditional VAE of these images alone; VAE_STEPS steps at BETA."""
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
    """Decoded draws from the prior, the classes by turns."""
    labels = torch.arange(count) % model.config.classes
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randn(count, model.config.latent_dim, generator=generator)
    return model.decode_mean(codes, Condition(labels=labels)).permute(
        0, 2, 3, 1
    ).numpy(), labels.numpy()


def shifted_copies(pixels: Pixels, labels: Labels, seed: int) -> OtherImages:
    """COPIES of each image, each moved by up to FURTHEST pixels across and down; black moves in."""
    generator = np.random.default_rng(seed)
    height, width = pixels.shape[1:3]
    edge = ((0, 0), (FURTHEST, FURTHEST), (FURTHEST, FURTHEST), (0, 0))
    framed = np.pad(np.repeat(pixels, COPIES, axis=0), edge)
    moves = generator.integers(2 * FURTHEST + 1, size=(len(framed), 2))
    moved = [f[d : d + height, a : a + width] for f, (d, a) in zip(framed, moves, strict=True)]
    return np.stack(moved), np.repeat(labels, COPIES)


def training_sets(few: Dataset, seed: int) -> dict[str, tuple[Pixels, Labels]]:
    """The images, and the images with samples and with shifted copies: as many of both."""
    pixels, labels = as_arrays(few.train)
    samples = draw_samples(train_conditional(few, seed), COPIES * len(pixels), seed)
    more = {SAMPLES: samples, SHIFTS: shifted_copies(pixels, labels, seed)}
    joined = {
        name: (np.concatenate([pixels, some]), np.concatenate([labels, theirs]))
        for name, (some, theirs) in more.items()
    }
    return {IMAGES: (pixels, labels), **joined}


def accuracies(train: tuple[Pixels, Labels], test: OtherImages, seed: int) -> dict[str, float]:
    """The test accuracy of both classifiers trained on a set."""
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
    flat, test_flat = (some.reshape(len(some), -1) for some in (pixels, test_pixels))
    with warnings.catch_warnings():
        # Both are stopped after as many steps on every set.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            name: float(classifier.fit(flat, labels).score(test_flat, test_labels))
            for name, classifier in classifiers.items()
        }


def measure_few_data(dataset: Dataset, sizes: Sequence[int], seeds: Sequence[int]) -> FewData:
    """Both classifiers on all training sets of all sizes, over all draws."""
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
        cells += [AccuracyCell(size, *what, Replicates(tuple(v))) for what, v in values.items()]
    return FewData(dataset.name, tuple(sizes), tuple(seeds), COPIES, tuple(cells))


def as_arrays(split: Split) -> tuple[Pixels, Labels]:
    """Pixels in [0, 1] and labels of a split."""
    pixels = split.images.permute(0, 2, 3, 1).numpy().astype(np.float32) / 255
    return pixels, split.labels.numpy()


def verdict(found: FewData, trained_on: str) -> str:
    """In one sentence, whether a larger training set helps: what it changes for each size.

    It helps where every draw of both classifiers gained, it hurts where every one lost.
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


def _points(means: Sequence[float]) -> str:
    """Percentage points on average, with a sign."""
    return f"{100 * sum(means) / len(means):+.1f} points".replace("-", "−")
