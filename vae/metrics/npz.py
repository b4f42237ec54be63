"""Arrays of an `.npz` file that somebody brings: judged by their headers before they are read."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from vae.core.errors import DataError

MAX_BYTES = 2**30
"""Of all arrays that are read from one file, as numbers of 8 bytes: two million codes of 64."""

PLAIN_KINDS = "biufcUS"
"""Numpy's kinds of values; objects would be unpickled, and records are no numbers."""


def read_arrays(file: IO[bytes], path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those of the named arrays that an archive holds; others are not looked at.

    Nothing is unpickled and nothing written to the disk. DataError where the file is no archive,
    an array is damaged or none of plain values, or all together are larger than MAX_BYTES.
    """
    if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
        raise DataError(f"{path}: holds one array, expected an .npz file of two")
    with _refusing_damage(path), zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        held = {name: members[f"{name}.npy"] for name in names if f"{name}.npy" in members}
        sizes = {name: _checked_size(archive, info) for name, info in held.items()}
        if (total := sum(sizes.values())) > MAX_BYTES:
            raise DataError(
                f"{path}: its arrays take {total / 2**20:,.0f} MB, but at most "
                f"{MAX_BYTES // 2**20:,} are read; save fewer rows"
            )
        return {name: _read(archive, info) for name, info in held.items()}


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            yield
        except DataError:
            raise
        except Exception as error:  # zipfile, its packers and numpy have errors of their own
            raise DataError(f"{path}: expected an .npz file of plain arrays") from error


def _checked_size(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Bytes of an array once it is read; its own header and the archive have to agree on them."""
    with archive.open(info) as member:
        version = npy.read_magic(member)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"version {version}")
        shape, _, dtype = read(member)
        size = prod(shape) * dtype.itemsize
        if dtype.kind not in PLAIN_KINDS or min(shape, default=0) < 0:
            raise ValueError(f"{shape} of {dtype}")
        if size <= MAX_BYTES and size + member.tell() != info.file_size:
            raise ValueError(f"{info.file_size} bytes")
    return prod(shape) * max(8, dtype.itemsize)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as member:
        return npy.read_array(member, allow_pickle=False)
