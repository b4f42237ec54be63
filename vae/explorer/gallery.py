"""The test images of a model: the data set's own where present, else reconstructions.

Example:
    images = read_test_images("mnist", (1, 28, 28))
    gallery = open_gallery(Explorer.open("checkpoints/mnist-map"), images)
    first = gallery.images(np.array([0]))
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from vae.core.errors import DataError
from vae.data.registry import data_dir, load_dataset, load_test_split, needs_download
from vae.explorer import Explorer
from vae.runs.checkpoint import atlas_rows

Pixels = UInt8[np.ndarray, "n h w c"]


@dataclass(frozen=True)
class ReadImages:
    """The test split of a data set, in the order of the data set."""

    pixels: Pixels
    labels: Int[np.ndarray, "n"]
    """The class of each image; -1 where it has none."""

    def match_atlas_of(self, explorer: Explorer) -> bool:
        """Returns whether these are the images of a model's atlas, in the same order.

        The number of images and their labels are compared. Copies of a data set can differ in
        their order, for example of files or of folders.
        """
        shown, limit = explorer.atlas.label, atlas_rows(explorer.latent_dim)
        as_many = len(shown) == min(len(self.pixels), limit)
        return as_many and bool(np.array_equal(self.labels[: len(shown)], shown))


@dataclass(frozen=True)
class Gallery:
    """The test images of a checkpoint, in the order of its atlas."""

    explorer: Explorer
    pixels: Pixels | None
    """The images of the atlas; None where the data set is absent or has changed."""

    @property
    def are_real(self) -> bool:
        """Whether the images are the data set's own and not reconstructions."""
        return self.pixels is not None

    @property
    def labels(self) -> Int[np.ndarray, "n"]:
        """The class of each image; -1 where it has none."""
        return self.explorer.atlas.label

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self.explorer.run.class_names

    def images(self, indices: Int[np.ndarray, "m"]) -> Float[np.ndarray, "m h w c"]:
        """Returns the images at these indices, pixels in [0, 1]."""
        if self.pixels is None:
            return self.explorer.atlas_images(indices)
        return self.pixels[indices].astype(np.float32) / 255

    def classes(self) -> list[int]:
        """Returns the classes that have test images."""
        return [i for i in range(len(self.class_names)) if np.any(self.labels == i)]

    def name_of(self, index: int) -> str:
        """Returns the class name of an image, or "no class"."""
        label = int(self.labels[index])
        return self.class_names[label] if 0 <= label < len(self.class_names) else "no class"

    def of_class(self, label: int) -> Int[np.ndarray, "m"]:
        """Returns the indices of a class's images."""
        return np.flatnonzero(self.labels == label)


def open_gallery(explorer: Explorer, images: ReadImages | None) -> Gallery:
    """Returns a gallery with these test images if they are those of the model's atlas."""
    if images is None or not images.match_atlas_of(explorer):
        return Gallery(explorer, None)
    return Gallery(explorer, images.pixels[: len(explorer.atlas.label)])


def read_test_images(
    dataset: str, image_shape: tuple[int, int, int], directory: str | Path | None = None
) -> ReadImages | None:
    """Reads the test split of a data set; returns None where it is absent. Never downloads."""
    folder = data_dir(directory)
    if needs_download(dataset) and not folder.is_dir():
        return None
    try:
        test = load_test_split(dataset, folder, image_shape=image_shape)
    except DataError:
        return None
    return ReadImages(test.images.numpy().transpose(0, 2, 3, 1), test.labels.numpy())


def read_training_images(
    dataset: str,
    image_shape: tuple[int, int, int],
    count: int,
    directory: str | Path | None = None,
) -> Float[np.ndarray, "n h w c"] | None:
    """Reads the first training images, pixels in [0, 1]; None if absent. Never downloads."""
    folder = data_dir(directory)
    if needs_download(dataset) and not folder.is_dir():
        return None
    try:
        found = load_dataset(dataset, folder, image_shape=image_shape, download=False).train
    except DataError:
        return None
    pixels = found.head(count).images.numpy().transpose(0, 2, 3, 1)
    return pixels.astype(np.float32) / 255
