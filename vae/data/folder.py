"""Reads a person's own folder of images: finds, decodes, crops and resizes them.

Example:
    >>> found = read_folder(Path("photos"), side=64)
    >>> found.images.shape, found.class_names
    ((1200, 3, 64, 64), ('cats', 'dogs'))
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from jaxtyping import Bool, Int, UInt8

from vae.core.errors import DataError
from vae.core.text import is_showable
from vae.data.uploads import read_mode, read_square

FOLDER_SIDE = 32
MIN_IMAGES = 20
TEST_SHARE = 0.2
MAX_ENTRIES = 1_000_000
"""Most files and folders that are searched, in case a person gives the root of the disk."""

MAX_BYTES = 8 * 2**30
"""Most bytes of memory for all images."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
_GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"})


@dataclass(frozen=True)
class FolderImages:
    """The images of a folder with their labels, and which of them are the test split."""

    images: UInt8[np.ndarray, "n c h w"]
    labels: Int[np.ndarray, "n"]
    class_names: tuple[str, ...]
    is_test: Bool[np.ndarray, "n"]


def read_folder(folder: Path, side: int, channels: int | None = None) -> FolderImages:
    """Read all images below a folder, as squares of `side` pixels.

    Sub-folders are classes. `train` and `test` sub-folders are splits, with classes below them.
    Without them a fifth of the images, chosen by their names, are the test split.
    `channels` is 1 (grey) or 3 (colour); None means grey if all images are grey. A link to a file
    is read like the file, wherever it points. Links to folders and hidden files are skipped.

    Raises DataError if the folder is absent, holds too few or too many images, or one of them
    cannot be read.
    """
    paths = _image_paths(folder)
    splits = _has_splits(paths, folder)
    is_test = np.array([_is_test(path.relative_to(folder), splits) for path in paths])
    if not is_test.any():
        is_test[0] = True
    names = [_class_of(path, folder, skip=1 if splits else 0) for path in paths]
    class_names = tuple(sorted(set(names) - {""}))
    positions = {name: index for index, name in enumerate(class_names)}
    labels = np.array([positions.get(name, -1) for name in names], dtype=np.int64)
    images = _read_all(paths, side, channels)
    return FolderImages(images, labels, class_names, is_test)


def _open_path(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror}); repair it or leave it out"
        ) from error


def count_images(folder: Path) -> int:
    """Return the number of files that have the name of an image; 0 if the folder is absent."""
    return sum(1 for _ in _found_images(folder)) if _is_folder(folder) else 0


def _found_images(folder: Path) -> Iterator[Path]:
    named = (path for path in _files_below(folder) if path.suffix.lower() in SUFFIXES)
    return (path for path in named if _is_file(path))


def _image_paths(folder: Path) -> list[Path]:
    if not _is_folder(folder):
        raise DataError(f"there is no folder {folder}; give the path of a folder of images")
    paths = sorted(_found_images(folder))
    if len(paths) < MIN_IMAGES:
        raise DataError(
            f"{folder} holds {len(paths)} images, but at least {MIN_IMAGES} are needed; "
            f"known endings: {', '.join(sorted(SUFFIXES))}"
        )
    return paths


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        _refuse_folder(error)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files but hidden ones; links to folders are not followed, because of cycles."""
    seen = 0
    for parent, below, files in os.walk(folder, onerror=_refuse_folder):
        seen += len(below) + len(files)
        if seen > MAX_ENTRIES:
            raise DataError(
                f"{folder} holds more than {MAX_ENTRIES:,} files and folders; name the folder of "
                "the images alone"
            )
        below[:] = [name for name in below if not name.startswith((".", "__MACOSX"))]
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def _refuse_folder(error: OSError) -> NoReturn:
    raise DataError(
        f"{error.filename} cannot be opened ({error.strerror}); make it readable or move it away"
    ) from error


def _has_splits(paths: list[Path], folder: Path) -> bool:
    tops = {path.relative_to(folder).parts[0] for path in paths}
    if not {"train", "test"} <= tops:
        return False
    for stray in sorted(tops - {"train", "test"}):
        raise DataError(
            f"{folder} has the splits train and test, but also {stray}; move it into one of them"
        )
    return True


def _is_test(path: Path, splits: bool) -> bool:
    """Return whether an image belongs to the test split.

    The folders `train` and `test` decide. Without them the hash of the name decides, so that images
    keep their split when others are added.
    """
    if splits:
        return path.parts[0] == "test"
    return hashlib.sha256(path.as_posix().encode()).digest()[0] < TEST_SHARE * 256


def _class_of(path: Path, folder: Path, skip: int) -> str:
    parents = path.relative_to(folder).parts[skip:-1]
    if parents and not is_showable(parents[0]):
        raise DataError(
            f"the folder {str(path.parent)!r:.300} has a name that cannot be shown as a class; "
            "rename it to one line of up to 200 characters"
        )
    return parents[0] if parents else ""


def _read_all(paths: list[Path], side: int, channels: int | None) -> np.ndarray:
    depth = channels or (1 if all(_is_grey(path) for path in paths) else 3)
    if (size := len(paths) * depth * side * side) > MAX_BYTES:
        raise DataError(
            f"{len(paths):,} images of {side}x{side} pixels take {size / 2**30:.0f} GB of memory, "
            f"but at most {MAX_BYTES // 2**30} GB are allowed; choose fewer images or smaller ones"
        )
    images = np.empty((len(paths), depth, side, side), dtype=np.uint8)
    for row, path in enumerate(paths):
        with _open_path(path) as file:
            images[row] = read_square(file, str(path), side, depth)
    return images


def _is_grey(path: Path) -> bool:
    with _open_path(path) as file:
        return read_mode(file, str(path)) in _GREY_MODES
