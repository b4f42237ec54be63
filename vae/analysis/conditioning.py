"""Conditioning: whether a conditional model paints the class that it is asked for."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vae.analysis.eval_classifier import EvalClassifier
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer


@dataclass(frozen=True)
class Conditioning(Record):
    """How often the classifier sees the class that was asked for."""

    accuracy: float
    """Of all generated images."""

    accuracy_by_class: tuple[float, ...]
    """By the class that was asked for."""

    count: int
    """Images of each class."""


def generate(
    explorer: Explorer, labels: list[int], codes: Float[np.ndarray, "n latent"]
) -> Float[np.ndarray, "labels n h w c"]:
    """Each code as an image of each label: the style is held, the class changes.

    ConfigError for a model that is not conditional.
    """
    if explorer.label is None:
        raise ConfigError(
            f"{explorer.run.name} is told no labels; choose a model trained with --model "
            "conditional"
        )
    asked = np.repeat(labels, len(codes))
    images = explorer.decode(np.tile(codes, (len(labels), 1)), asked)
    return images.reshape(len(labels), len(codes), *images.shape[1:])


def measure_conditioning(
    explorer: Explorer, classifier: EvalClassifier, count: int = 1000, seed: int = 0
) -> Conditioning:
    """Decode the same `count` draws from the prior as each class, and ask the classifier."""
    labels = list(range(len(explorer.run.class_names)))
    codes = np.random.default_rng(seed).standard_normal((count, explorer.latent_dim))
    images = generate(explorer, labels, codes.astype(np.float32))
    right = [
        float((classifier.labels(some) == label).mean())
        for label, some in zip(labels, images, strict=True)
    ]
    return Conditioning(float(np.mean(right)), tuple(right), count)
