"""Data sets and their splits: uint8 images with labels and, for some, known factors.

Example:
    >>> batch = digits.train.batch(torch.arange(64))  # float32 pixels in [0, 1]
    >>> threes = with_labels(digits.train, (3,))
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.core.errors import ConfigError, DataError
from vae.core.record import Record
from vae.core.text import is_showable

MAX_LEVELS = 32_000
SPLIT_SEED = 0
"""Seed of the splits that a data set does not come with; they are the same for every run."""


@dataclass(frozen=True)
class Factor(Record):
    """One known cause of variation between the images of a data set, such as their orientation."""

    name: str
    size: int
    """The number of its levels."""

    def __post_init__(self) -> None:
        is_whole = isinstance(self.size, int) and not isinstance(self.size, bool)
        has_name = isinstance(self.name, str) and is_showable(self.name)
        if not has_name or not is_whole or not 1 <= self.size <= MAX_LEVELS:
            raise ConfigError(
                f"Factor: expected a name and 1 to {MAX_LEVELS} levels, found {self.name!r:.40} "
                f"with {self.size!r:.40}"
            )


@dataclass(frozen=True)
class Split:
    """Images, labels and, if they are known, factors of one split, on one device."""

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, "n"]
    factors: Int[Tensor, "n factors"] | None = None
    """The level of each of the data set's factors, counted from 0."""

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Int[Tensor, "batch"]) -> Float[Tensor, "batch c h w"]:
        """Return the images at `indices` as float32 pixels in [0, 1]."""
        images = self.images.index_select(0, indices).to(torch.float32).div_(255)
        return _by_pixel(images) if images.shape[1] == 1 else images

    def pixels(self) -> Float[np.ndarray, "n h w c"]:
        """Return all images as an array of float32 pixels in [0, 1]."""
        return self.images.permute(0, 2, 3, 1).numpy() / np.float32(255)

    def head(self, count: int) -> "Split":
        """Return the first images with their labels and factors."""
        return self._each(lambda values: values[:count])

    def pick(self, indices: Int[Tensor, "m"]) -> "Split":
        """Return the images at `indices` with their labels and factors."""
        return self._each(lambda values: values[indices])

    def to(self, device: torch.device | str) -> "Split":
        """Return the whole split on another device."""
        return self._each(lambda values: values.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Split":
        factors = None if self.factors is None else change(self.factors)
        return Split(change(self.images), change(self.labels), factors)


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on; no image is in two splits."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    factors: tuple[Factor, ...] = ()
    """The known factors, in the order of the columns of the splits' factors; () if unknown."""

    trained_labels: tuple[int, ...] | None = None
    """The labels of the training and validation images if they are a subset; None if not.

    The test split always has all classes, because models of a subset are tested for telling the
    other classes from their own.
    """

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @property
    def in_distribution_test(self) -> Split:
        """The test images of the trained classes; the reported losses are means over them."""
        return with_labels(self.test, self.trained_labels)

    def to(self, device: torch.device | str) -> "Dataset":
        """Return the whole data set on another device; runs that train together share it."""
        splits = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **splits)


def _by_pixel(images: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, "batch 1 h w"]:
    """Return the same memory with the strides of the channels-last layout.

    Images of one channel are the same in both layouts. torch decides by the strides, and by default
    takes the layout in which convolutions are slower.
    """
    _, _, height, width = images.shape
    return images.as_strided(images.shape, (height * width, 1, width, 1))


def with_labels(split: Split, labels: tuple[int, ...] | None) -> Split:
    """Return the images of these classes; return the whole split for None."""
    if labels is None:
        return split
    chosen = torch.isin(split.labels, torch.tensor(labels, device=split.labels.device))
    return split.pick(chosen.nonzero().flatten())


def check_labels(dataset: Dataset, classes: int) -> None:
    """Raise DataError unless every image has a label from 0 to `classes` - 1."""
    labels = torch.cat([getattr(dataset, s).labels for s in ("train", "validation", "test")])
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
        raise DataError(
            f"{dataset.name} has images whose label is not one of {classes} classes; a model of "
            "labelled images needs a label for each image, so a folder needs one sub-folder for "
            "each class"
        )


def with_validation(
    name: str,
    classes: tuple[str, ...],
    train: Split,
    test: Split,
    fraction: float,
    factors: tuple[Factor, ...] = (),
) -> Dataset:
    """Return a data set; a random but fixed choice of training images becomes its validation split.

    Args:
        name: The name of the data set.
        classes: The names of the classes.
        train: The training images, of which some are held out.
        test: The test images.
        fraction: The fraction of training images that is held out.
        factors: The known factors.
    """
    held_out = int(len(train) * fraction)
    order = fixed_permutation(len(train))
    chosen, rest = order[:held_out].sort().values, order[held_out:].sort().values
    return Dataset(name, classes, train.pick(rest), train.pick(chosen), test, factors)


def fixed_permutation(count: int) -> Int[Tensor, "n"]:
    """Return the numbers from 0 to `count` - 1 in a random order that is always the same."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(SPLIT_SEED))
