"""Opens the inputs of a study: the model, the classifier and the images that its options name.

Example:
    >>> inputs = StudyInputs(options)
    >>> inputs.explorer.latent_dim
    16
"""

import argparse
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.eval_classifier import EvalClassifier, find_eval_classifier
from vae.data.registry import load_dataset, load_test_split
from vae.data.splits import Dataset, Split
from vae.explorer import Explorer
from vae.runs.catalogue import available_checkpoints
from vae.runs.run import Run

ImagesWithLabels = tuple[Float[np.ndarray, "n h w c"], Int[np.ndarray, "n"]]


class StudyInputs:
    """Opens the model and the classifier of a study when they are first used."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    @cached_property
    def explorer(self) -> Explorer:
        """The model of the command's checkpoint."""
        return Explorer.open(self.options.checkpoint)

    @cached_property
    def classifier(self) -> EvalClassifier:
        """The classifier that rates the images of the command's checkpoint."""
        return self.classifier_for(self.explorer.run)

    def classifier_for(self, run: Run) -> EvalClassifier:
        """Open the classifier of --classifier, or else the best one for the run's data set.

        Raises CheckpointError if there is none.
        """
        if self.options.classifier is not None:
            return EvalClassifier.open(self.options.classifier)
        return EvalClassifier.open(find_eval_classifier(available_checkpoints().runs, run).path)

    def test_images(self, run: Run) -> ImagesWithLabels:
        """Return `--count` test images with pixels in [0, 1], and their labels.

        A fixed seed draws them. Raises DataError if the data set is absent.
        """
        images, labels = self.all_test_images(run)
        # The classes of a folder follow each other, and all of them should be drawn.
        chosen = np.random.default_rng(0).permutation(len(images))[: self.options.count]
        return images[chosen], labels[chosen]

    def all_test_images(self, run: Run) -> ImagesWithLabels:
        """Return the whole test split with pixels in [0, 1], and the labels."""
        directory, shape = self.options.data_dir, run.model.image_shape
        test = load_test_split(run.train.dataset, directory, image_shape=shape)
        return float_images(test), test.labels.numpy()

    @cached_property
    def whole_dataset(self) -> Dataset:
        """The data set of --dataset, whose training split keeps the validation images."""
        return load_dataset(self.options.dataset, self.options.data_dir, validation_fraction=0.0)

    @property
    def drawn_seeds(self) -> list[int]:
        """The seeds of `--draws` draws, which count up from --seed."""
        return list(range(self.options.seed, self.options.seed + self.options.draws))


def float_images(split: Split) -> Float[np.ndarray, "n h w c"]:
    """Return the images of a split with pixels in [0, 1]."""
    return split.images.numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255
