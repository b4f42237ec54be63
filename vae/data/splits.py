"""What a data set is made of: a training, a validation and a test split of uint8 images."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.core.errors import ConfigError, DataError
from vae.core.record import Record
from vae.core.text import is_showable

MAX_LEVELS = 32_000
SPLIT_SEED = 0
"""Splits that a data set does not come with are drawn with this seed, the same for every run."""


@dataclass(frozen=True)
class Factor(Record):
    """One thing that varies between the images of a data set that knows what made them."""

    name: str
    size: int
    """How many levels it has."""

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
    """Images, labels and, where they are known, factors of one split, on one device."""

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, "n"]
    factors: Int[Tensor, "n factors"] | None = None
    """The level of each of the data set's factors, counted from 0."""

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Int[Tensor, "batch"]) -> Float[Tensor, "batch c h w"]:
        """The chosen images as float32 pixels in [0, 1]."""
        images = self.images.index_select(0, indices).to(torch.float32).div_(255)
        return _by_pixel(images) if images.shape[1] == 1 else images

    def head(self, count: int) -> "Split":
        """The first images with their labels and factors."""
        return self._each(lambda values: values[:count])

    def pick(self, indices: Int[Tensor, "m"]) -> "Split":
        """The chosen images with their labels and factors."""
        return self._each(lambda values: values[indices])

    def to(self, device: torch.device | str) -> "Split":
        """The same split on another device, whole."""
        return self._each(lambda values: values.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Split":
        factors = None if self.factors is None else change(self.factors)
        return Split(change(self.images), change(self.labels), factors)


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on; the validation split is part of no other."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    factors: tuple[Factor, ...] = ()
    """What made the images, in the order of the splits' columns; none where it is not known."""

    trained_labels: tuple[int, ...] | None = None
    """The classes of the training and validation images, where these were narrowed to some.

    The test split is whole all the same: what models of such a data set are tested for is whether
    they tell the other classes from their own.
    """

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @property
    def in_distribution_test(self) -> Split:
        """The test images of the classes that are trained on, which the reported losses are of."""
        return with_labels(self.test, self.trained_labels)

    def to(self, device: torch.device | str) -> "Dataset":
        """The same data set on another device, whole: what trains together shares it."""
        splits = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **splits)


def _by_pixel(images: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, "batch 1 h w"]:
    """The same memory, its strides those of channels last.

    Of one channel both layouts are the same, and torch takes it for the one that convolutions like
    less, unless the strides tell.
    """
    _, _, height, width = images.shape
    return images.as_strided(images.shape, (height * width, 1, width, 1))


def with_labels(split: Split, labels: tuple[int, ...] | None) -> Split:
    """The images of these classes; all of them where that is None."""
    if labels is None:
        return split
    chosen = torch.isin(split.labels, torch.tensor(labels, device=split.labels.device))
    return split.pick(chosen.nonzero().flatten())


def check_labels(dataset: Dataset, classes: int) -> None:
    """DataError unless every image has one of so many labels, counted from 0."""
    labels = torch.cat([getattr(dataset, s).labels for s in ("train", "validation", "test")])
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
        raise DataError(
            f"{dataset.name} has images whose label is not one of {classes} classes; a model that "
            "is told labels needs one for each image, in a folder one sub-folder a class"
        )


def with_validation(
    name: str,
    classes: tuple[str, ...],
    train: Split,
    test: Split,
    fraction: float,
    factors: tuple[Factor, ...] = (),
) -> Dataset:
    """A data set of these splits, a fixed random share of the training images held out."""
    held_out = int(len(train) * fraction)
    order = fixed_permutation(len(train))
    chosen, rest = order[:held_out].sort().values, order[held_out:].sort().values
    return Dataset(name, classes, train.pick(rest), train.pick(chosen), test, factors)


def fixed_permutation(count: int) -> Int[Tensor, "n"]:
    """The numbers below the count in a random order, always the same."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(SPLIT_SEED))
