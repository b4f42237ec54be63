"""Measures whether a conditional model generates images of the class that it is given.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-conditional")
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> measure_conditioning(explorer, classifier, count=200).accuracy
    0.938
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.analysis.eval_classifier import EvalClassifier
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer


@dataclass(frozen=True)
class Conditioning(Record):
    """How often the classifier recognises the class that the model was given; 0 to 1."""

    accuracy: float
    """Share of all generated images."""

    accuracy_by_class: tuple[float, ...]
    """Share of the images of each class."""

    count: int
    """Number of images of each class."""


def generate(
    explorer: Explorer, labels: list[int], codes: Float[np.ndarray, "n latent"]
) -> Float[np.ndarray, "labels n h w c"]:
    """Decode every code with every label, so that the style stays and the class changes.

    Raises ConfigError for a model that is not conditional.
    """
    if explorer.label is None:
        raise ConfigError(
            f"{explorer.run.name} takes no labels; choose a model trained with --model conditional"
        )
    repeated = np.repeat(labels, len(codes))
    images = explorer.decode(np.tile(codes, (len(labels), 1)), repeated)
    return images.reshape(len(labels), len(codes), *images.shape[1:])


def measure_conditioning(
    explorer: Explorer, classifier: EvalClassifier, count: int = 1000, seed: int = 0
) -> Conditioning:
    """Decode the same `count` samples from the prior with each label, and classify them."""
    labels = list(range(len(explorer.run.class_names)))
    codes = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    images = generate(explorer, labels, codes.astype(np.float32))
    accuracies = [
        float((classifier.labels(of_class) == label).mean())
        for label, of_class in zip(labels, images, strict=True)
    ]
    return Conditioning(float(np.mean(accuracies)), tuple(accuracies), count)
