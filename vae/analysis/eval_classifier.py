"""The classifier: a classifier of real images, asked about generated ones.

It was trained by the same loop as the models (`vae train --model classifier`), so whoever doubts a
number that rests on it can train another and name that one instead.
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


class EvalClassifier:
    """p(y|x) of one classifier, and the features that it reads the class from.

    Images are (n, h, w, c) with pixels in [0, 1].
    """

    def __init__(self, run: Run, model: VAE) -> None:
        if run.model.kind != "classifier":
            raise ConfigError(
                f"{run.name} is not a classifier and cannot judge images; train one with "
                "`vae train --model classifier`"
            )
        self.run = run
        self._model = model.eval().requires_grad_(False)

    @classmethod
    def open(cls, path: str | Path, device: DeviceName = "cpu") -> Self:
        """Load a classifier's checkpoint; CheckpointError or ConfigError where it is none."""
        run = load_run(path)
        return cls(run, load_model(run, pick_device(device)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """By label."""
        return self.run.class_names

    def features(self, images: ArrayLike) -> Float[np.ndarray, "n features"]:
        """What the classifier's last layer sees of each image: at least 0, without a unit."""
        return self.read(images)[0]

    def probabilities(self, images: ArrayLike) -> Float[np.ndarray, "n classes"]:
        """p(y|x) of each image; rows add up to 1."""
        return self.read(images)[1]

    def read(
        self, images: ArrayLike
    ) -> tuple[Float[np.ndarray, "n features"], Float[np.ndarray, "n classes"]]:
        """Features and probabilities, at the cost of one."""
        features, probabilities = zip(*self._outputs(images), strict=True)
        return torch.cat(features).relu().numpy(), torch.cat(probabilities).numpy()

    def labels(self, images: ArrayLike) -> Int[np.ndarray, "n"]:
        """The most probable class of each image."""
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
    """The classifier of the images that a run was trained on; CheckpointError where none is.

    Of several the one that is surest of the right class of test images.
    """
    fitting = [run for run in runs if run.model.image_shape == of.model.image_shape]
    return find_classifier(fitting, of.train.dataset)


def find_classifier(runs: Iterable[Run], dataset: str) -> Run:
    """The best classifier of a data set; CheckpointError where there is none."""
    dataset = base_name(dataset)
    fitting = [
        run for run in runs if run.model.kind == "classifier" and run.train.dataset == dataset
    ]
    if not fitting:
        raise CheckpointError(
            f"there is no classifier of {dataset} to judge the images; train one with "
            f"`vae train --dataset {dataset} --model classifier --arch conv --latent-dim 64`"
        )
    return min(fitting, key=lambda run: run.results.test_distortion)
