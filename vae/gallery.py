"""The test images that pages offer: real ones where the data set is at hand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from vae.data import FOLDER_PREFIX, class_names, data_dir, load_dataset
from vae.errors import DataError
from vae.explorer import Explorer


@dataclass(frozen=True)
class Gallery:
    """Test images in the order of the checkpoint's atlas."""

    images: Float[np.ndarray, "n h w c"]
    """Pixels in [0, 1]."""

    labels: Int[np.ndarray, "n"]
    """-1 where there is none."""

    class_names: tuple[str, ...]

    missing: str
    """Empty for real images; else why these are the decoder's reconstructions instead."""

    @property
    def are_real(self) -> bool:
        """Whether these are the data set's own images."""
        return not self.missing

    def classes(self) -> list[int]:
        """The classes that have test images."""
        return [i for i in range(len(self.class_names)) if np.any(self.labels == i)]

    def of_class(self, label: int) -> Int[np.ndarray, "m"]:
        """The positions of a class's images."""
        return np.flatnonzero(self.labels == label)


def open_gallery(explorer: Explorer, directory: str | Path | None = None) -> Gallery:
    """The test split, or the atlas decoded where the data set is absent; downloads nothing."""
    run = explorer.run
    try:
        images, missing = _test_images(explorer, directory), ""
    except DataError as error:
        images, missing = explorer.decode(explorer.atlas.mean), str(error)
    return Gallery(images, explorer.atlas.label, run.class_names, missing)


def _test_images(explorer: Explorer, directory: str | Path | None) -> np.ndarray:
    run = explorer.run
    name, place = run.train.dataset, data_dir(directory)
    needs_files = name != "digits" and not name.startswith(FOLDER_PREFIX)
    if needs_files and class_names(name) and not place.is_dir():
        raise DataError(f"there is no data directory {place}")
    test = load_dataset(name, place, image_shape=run.model.image_shape, download=False).test
    if len(test) != len(explorer.atlas.label):
        raise DataError(f"{name} has {len(test)} test images now, but had others in training")
    return test.images.numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255
