"""MNIST's files as they are: IDX, a header and then bytes.

torchvision reads them too, but takes a second or two to import, which would be most of what a
page's first look costs, or a training's start.
"""

import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

BYTES = 8
"""The code of unsigned bytes in a header."""


def has_idx_split(folder: Path, train: bool) -> bool:
    """Whether the images and the labels of a split lie in a folder, uncompressed."""
    return all(path.is_file() for path in _paths(folder, train))


def read_idx_split(
    folder: Path, train: bool
) -> tuple[UInt8[Tensor, "n height width"], Int[Tensor, "n"]]:
    """Images, 0 to 255, and labels; ValueError for damaged files, OSError for unreadable ones."""
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
    """One file: two zeros, the numbers' type, the axes; their lengths; the numbers."""
    content = path.read_bytes()
    start = 4 + 4 * axes
    if len(content) < start or content[:4] != bytes([0, 0, BYTES, axes]):
        raise ValueError(f"{path.name} does not begin as such a file does")
    shape = np.frombuffer(content, ">u4", axes, offset=4).tolist()
    if len(content) - start != math.prod(shape):
        raise ValueError(f"{path.name} is not of the length that it says")
    # A copy: torch wants numbers that it could write to.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
