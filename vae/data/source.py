"""The facts that are known about a data set before it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vae.core.dataset_name import ClassSubset
from vae.data.splits import Factor, Split


@dataclass(frozen=True)
class Source:
    """A data set of the registry: its facts, and the function that reads it."""

    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    read: Callable[["Source", Path, bool], tuple[Split, Split]]
    """Returns the training and the test split; takes the source, a folder and `download`."""

    torchvision_class: str = ""
    """The class of `torchvision.datasets` that downloads it; empty if none does."""

    training_image_count: int = 0
    """Number of images for training and validation; 0 for images that are drawn on demand."""

    factors: tuple[Factor, ...] = ()
    subset: ClassSubset | None = None
    """The classes that it is narrowed to; None for a whole data set."""
