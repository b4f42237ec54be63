"""Evaluates generated images with a classifier that was trained on real ones.

The classifier is trained by the same loop as the models (`vae train --model classifier`). To check
a number that depends on it, train another classifier and use that one.

Example:
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> classifier.labels(explorer.sample(5, seed=0))
    array([6, 5, 3, 1, 1])
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from vae.core.dataset_name import base_name
from vae.core.device import DeviceName, pick_device
from vae.core.errors import CheckpointError, ConfigError
from vae.models.vae import VAE
from vae.runs.checkpoint import load_model, load_run
from vae.runs.run import Run

BATCH = 500
"""Number of images that are classified at once."""


class EvalClassifier:
    """A trained classifier: its class probabilities p(y|x) and its last features.

    Images are (n, h, w, c) with pixels in [0, 1].
    """

    def __init__(self, run: Run, model: VAE) -> None:
        if run.model.kind != "classifier":
            raise ConfigError(
                f"{run.name} is not a classifier of images; train one with "
                "`vae train --model classifier`"
            )
        self.run = run
        self._model = model.eval().requires_grad_(False)

    @classmethod
    def open(cls, path: str | Path, device: DeviceName = "cpu") -> Self:
        """Load a checkpoint; raises CheckpointError or ConfigError when it is no classifier."""
        run = load_run(path)
        return cls(run, load_model(run, pick_device(device)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the labels."""
        return self.run.class_names

    def features(self, images: ArrayLike) -> Float[np.ndarray, "n features"]:
        """Return the inputs of the last layer for each image; they have no unit and are >= 0."""
        return self.read(images)[0]

    def probabilities(self, images: ArrayLike) -> Float[np.ndarray, "n classes"]:
        """Return p(y|x) of each image; each row sums to 1."""
        return self.read(images)[1]

    def read(
        self, images: ArrayLike
    ) -> tuple[Float[np.ndarray, "n features"], Float[np.ndarray, "n classes"]]:
        """Return features and probabilities, from one pass through the network."""
        features, probabilities = zip(*self._outputs(images), strict=True)
        return torch.cat(features).relu().numpy(), torch.cat(probabilities).numpy()

    def labels(self, images: ArrayLike) -> Int[np.ndarray, "n"]:
        """Return the most probable class of each image."""
        return self.probabilities(images).argmax(axis=1)

    def _outputs(self, images: ArrayLike) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        array = np.asarray(images, dtype=np.float32)
        channels, height, width = self.run.model.image_shape
        if array.ndim != 4 or array.shape[1:] != (height, width, channels):
            raise ConfigError(
                f"the classifier {self.run.name} takes images of shape (n, {height}, {width}, "
                f"{channels}), not {array.shape}"
            )
        with torch.inference_mode():
            for start in range(0, len(array), BATCH):
                part = torch.from_numpy(array[start : start + BATCH].transpose(0, 3, 1, 2).copy())
                features = self._model.encode(part.to(self._model.device)).mean
                probabilities = self._model.decode(features).softmax(dim=1)
                yield features.cpu(), probabilities.cpu()


def find_eval_classifier(runs: Iterable[Run], of: Run) -> Run:
    """Return the best classifier of a run's data set and image shape.

    Raises CheckpointError when there is none.
    """
    same_shape = [run for run in runs if run.model.image_shape == of.model.image_shape]
    return find_classifier(same_shape, of.train.dataset)


def find_classifier(runs: Iterable[Run], dataset: str) -> Run:
    """Return the classifier of a data set with the lowest test loss.

    Raises CheckpointError when there is none.
    """
    dataset = base_name(dataset)
    classifiers = [
        run for run in runs if run.model.kind == "classifier" and run.train.dataset == dataset
    ]
    if not classifiers:
        raise CheckpointError(
            f"there is no classifier of {dataset}; train one with "
            f"`vae train --dataset {dataset} --model classifier --arch conv --latent-dim 64`"
        )
    return min(classifiers, key=lambda run: run.results.test_distortion)
