"""Reads arrays from an uploaded `.npz` file after checking their headers.

Example:
    with path.open("rb") as file:
        arrays = read_arrays(file, path, ("codes", "factors"))
"""

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
"""Limit for all arrays of one file, as numbers of 8 bytes: two million codes of 64."""

PLAIN_KINDS = "biufcUS"
"""Accepted numpy kinds: objects would need pickle, and records are not numbers."""


def read_arrays(file: IO[bytes], path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Reads the named arrays that an archive holds and ignores all others.

    It never unpickles and writes nothing to the disk. It raises DataError where the file is not an
    archive, where an array is damaged or not of plain values, or where the arrays together exceed
    MAX_BYTES.
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
        except Exception as error:  # zipfile, its decompressors and numpy raise many types
            raise DataError(f"{path}: expected an .npz file of plain arrays") from error


def _checked_size(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Returns the bytes of an array in memory; its header and the archive must agree on them."""
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
