"""Reads MNIST's files, which have the IDX format: a header followed by bytes.

torchvision reads them too. But importing it takes a second or two, which would be most of the time
that a page needs to appear or a training run needs to start.

Example:
    >>> images, labels = read_idx_split(Path("data/MNIST/raw"), train=False)
    >>> images.shape
    torch.Size([10000, 28, 28])
"""

import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

BYTES = 8
"""The code in a header that stands for unsigned bytes."""


def has_idx_split(folder: Path, train: bool) -> bool:
    """Return whether a folder holds the images and the labels of a split, uncompressed."""
    return all(path.is_file() for path in _paths(folder, train))


def read_idx_split(
    folder: Path, train: bool
) -> tuple[UInt8[Tensor, "n height width"], Int[Tensor, "n"]]:
    """Return the images, with pixels from 0 to 255, and the labels of a split.

    Raises ValueError for damaged files, and OSError for unreadable ones.
    """
    images, labels = (
        _read(path, axes) for path, axes in zip(_paths(folder, train), (3, 1), strict=True)
    )
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images with {len(labels)} labels")
    return torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))


def _paths(folder: Path, train: bool) -> tuple[Path, Path]:
    part = "train" if train else "t10k"
    return folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte"


def _read(path: Path, axes: int) -> UInt8[np.ndarray, "n ..."]:
    """Read one file.

    It holds two zero bytes, the type of the numbers and the number of axes, one byte each. The
    lengths of the axes follow, four bytes each, and then the numbers.
    """
    content = path.read_bytes()
    start = 4 + 4 * axes
    if len(content) < start or content[:4] != bytes([0, 0, BYTES, axes]):
        raise ValueError(f"{path.name} does not begin with the header of an IDX file")
    shape = np.frombuffer(content, ">u4", axes, offset=4).tolist()
    if len(content) - start != math.prod(shape):
        raise ValueError(f"{path.name} does not have the length that its header gives")
    # torch warns of arrays that it cannot write to, so the numbers are copied.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
