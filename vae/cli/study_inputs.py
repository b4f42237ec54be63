"""The inputs of a study: its options, and the model, classifier and images that they name.

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
from vae.data.registry import load_test_split
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
        images = test.images.numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255
        return images, test.labels.numpy()
