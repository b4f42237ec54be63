"""The test images that a study of one model is made on."""

import argparse

import numpy as np
from jaxtyping import Float, Int

from vae.data.registry import load_test_split
from vae.runs.run import Run


def read_test_images(
    run: Run, options: argparse.Namespace
) -> tuple[Float[np.ndarray, "n h w c"], Int[np.ndarray, "n"]]:
    """`--count` test images, drawn by a fixed seed, pixels in [0, 1], and their labels.

    DataError where the data set is absent.
    """
    directory, shape = options.data_dir, run.model.image_shape
    test = load_test_split(run.train.dataset, directory, image_shape=shape)
    # Of a folder the classes follow each other: all of them should be there.
    chosen = np.random.default_rng(0).permutation(len(test))[: options.count]
    images = test.images.numpy()[chosen].transpose(0, 2, 3, 1)
    return images.astype(np.float32) / 255, test.labels.numpy()[chosen]
