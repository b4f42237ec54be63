"""Where a data set of the registry comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vae.core.dataset_name import ClassSubset
from vae.data.splits import Factor, Split


@dataclass(frozen=True)
class Source:
    """What is known of a data set before it is read, and what reads it."""

    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    read: Callable[["Source", Path, bool], tuple[Split, Split]]
    torchvision_class: str = ""
    training_image_count: int = 0
    """How many there are for training and validation, where they are not drawn."""

    factors: tuple[Factor, ...] = ()
    subset: ClassSubset | None = None
    """Of a data set narrowed to some classes."""
