"""The test images that pages offer: real ones where the data set is at hand."""

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
    """The test split of a data set, in its order."""

    pixels: Pixels
    labels: Int[np.ndarray, "n"]
    """-1 where there is none."""

    def are_those_of(self, explorer: Explorer) -> bool:
        """Whether a model was tested on as many, and its atlas has them in this order.

        A data set can be kept in more than one order: of files, or of folders of pictures.
        """
        shown, limit = explorer.atlas.label, atlas_rows(explorer.latent_dim)
        as_many = len(shown) == min(len(self.pixels), limit)
        return as_many and bool(np.array_equal(self.labels[: len(shown)], shown))


@dataclass(frozen=True)
class Gallery:
    """Test images in the order of the checkpoint's atlas."""

    explorer: Explorer
    pixels: Pixels | None
    """Those of the atlas; None where the data set is absent or has changed."""

    @property
    def are_real(self) -> bool:
        """Whether these are the data set's own images, or the decoder's reconstructions."""
        return self.pixels is not None

    @property
    def labels(self) -> Int[np.ndarray, "n"]:
        """-1 where there is none."""
        return self.explorer.atlas.label

    @property
    def class_names(self) -> tuple[str, ...]:
        """By label."""
        return self.explorer.run.class_names

    def images(self, indices: Int[np.ndarray, "m"]) -> Float[np.ndarray, "m h w c"]:
        """The images at these places, pixels in [0, 1]."""
        if self.pixels is None:
            return self.explorer.atlas_images(indices)
        return self.pixels[indices].astype(np.float32) / 255

    def classes(self) -> list[int]:
        """The classes that have test images."""
        return [i for i in range(len(self.class_names)) if np.any(self.labels == i)]

    def name_of(self, index: int) -> str:
        """The class of an image; "no class" where it has none."""
        label = int(self.labels[index])
        return self.class_names[label] if 0 <= label < len(self.class_names) else "no class"

    def of_class(self, label: int) -> Int[np.ndarray, "m"]:
        """The positions of a class's images."""
        return np.flatnonzero(self.labels == label)


def open_gallery(explorer: Explorer, images: ReadImages | None) -> Gallery:
    """A gallery of a data set's test images, if they are those that the model was tested on."""
    if images is None or not images.are_those_of(explorer):
        return Gallery(explorer, None)
    return Gallery(explorer, images.pixels[: len(explorer.atlas.label)])


def read_test_images(
    dataset: str, image_shape: tuple[int, int, int], directory: str | Path | None = None
) -> ReadImages | None:
    """The test split of a data set; None where it is absent. Downloads nothing."""
    place = data_dir(directory)
    if needs_download(dataset) and not place.is_dir():
        return None
    try:
        test = load_test_split(dataset, place, image_shape=image_shape)
    except DataError:
        return None
    return ReadImages(test.images.numpy().transpose(0, 2, 3, 1), test.labels.numpy())


def read_training_images(
    dataset: str,
    image_shape: tuple[int, int, int],
    count: int,
    directory: str | Path | None = None,
) -> Float[np.ndarray, "n h w c"] | None:
    """The first training images, pixels in [0, 1]; None where they are absent, and none fetched."""
    place = data_dir(directory)
    if needs_download(dataset) and not place.is_dir():
        return None
    try:
        found = load_dataset(dataset, place, image_shape=image_shape, download=False).train
    except DataError:
        return None
    pixels = found.head(count).images.numpy().transpose(0, 2, 3, 1)
    return pixels.astype(np.float32) / 255
