"""A person's own folder of images as arrays: found, decoded, cropped and resized."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from vae.errors import DataError

FOLDER_SIDE = 32
MIN_IMAGES = 20
TEST_SHARE = 0.2
MAX_PIXELS = 50_000_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
_GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "F"})


@dataclass(frozen=True)
class FolderImages:
    """What a folder holds, and which of it is the test split."""

    images: UInt8[np.ndarray, "n c h w"]
    labels: Int[np.ndarray, "n"]
    class_names: tuple[str, ...]
    is_test: Bool[np.ndarray, "n"]


def read_folder(folder: Path, side: int, channels: int | None = None) -> FolderImages:
    """All images below a folder, as squares of `side` pixels.

    Sub-folders are classes; `train` and `test` sub-folders are splits, with classes below them.
    Without them a fifth of the images, chosen by their names, are the test split.
    `channels` is 1 (grey) or 3 (colour); None means grey where every image is. Raises DataError
    where the folder is absent, holds too few images, or an image cannot be read.
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


def to_square(picture: Image.Image, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """One picture upright, on black where it is transparent, cropped centrally and resized."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
    if upright.mode.startswith("I;16"):
        upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
    elif upright.mode in ("I", "F"):
        upright = Image.fromarray(_stretched(np.asarray(upright, dtype=np.float64)))
    converted = upright.convert("L" if channels == 1 else "RGB")
    square = np.asarray(ImageOps.fit(converted, (side, side), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(square.reshape(side, side, channels).transpose(2, 0, 1))


def _stretched(values: np.ndarray) -> np.ndarray:
    """Numbers without a known range as grey values, the lowest black and the highest white."""
    low, high = np.nanmin(values), np.nanmax(values)
    scaled = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12)
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def read_picture(
    file: IO[bytes], name: str, image_shape: tuple[int, int, int]
) -> Float[np.ndarray, "h w c"]:
    """One picture that a person brings, made into a model's (c, h, w); pixels in [0, 1]."""
    pixels = to_square(_open(file, name), image_shape[1], image_shape[0])
    return pixels.transpose(1, 2, 0).astype(np.float32) / 255


def _open_path(path: Path) -> Image.Image:
    try:
        with path.open("rb") as opened:
            return _open(opened, str(path))
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror}); repair it or leave it out"
        ) from error


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow warns of what is refused or repaired here anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_without_warnings()
def _open(file: IO[bytes], name: str) -> Image.Image:
    try:
        picture = Image.open(file)
        if picture.width * picture.height > MAX_PIXELS:
            raise DataError(
                f"{name} has {picture.width}x{picture.height} pixels, more than {MAX_PIXELS:,}; "
                "make it smaller"
            )
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise DataError(f"{name} cannot be read as an image; repair it or leave it out") from error
    return picture


def _image_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; give the path of a folder of images")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if len(paths) < MIN_IMAGES:
        raise DataError(
            f"{folder} holds {len(paths)} images, but at least {MIN_IMAGES} are needed; "
            f"known endings: {', '.join(sorted(SUFFIXES))}"
        )
    return paths


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
    """As the folder says; else a fifth by the name's hash, so that more images move no others."""
    if splits:
        return path.parts[0] == "test"
    return hashlib.sha256(path.as_posix().encode()).digest()[0] < TEST_SHARE * 256


def _class_of(path: Path, folder: Path, skip: int) -> str:
    parents = path.relative_to(folder).parts[skip:-1]
    return parents[0] if parents else ""


def _read_all(paths: list[Path], side: int, channels: int | None) -> np.ndarray:
    depth = channels or (1 if all(_is_grey(path) for path in paths) else 3)
    images = np.empty((len(paths), depth, side, side), dtype=np.uint8)
    for row, path in enumerate(paths):
        images[row] = to_square(_open_path(path), side, depth)
    return images


@_without_warnings()
def _is_grey(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return picture.mode in _GREY_MODES
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as an image; repair it or leave it out") from error
