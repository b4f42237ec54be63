"""A person's own folder of images as arrays: found, decoded, cropped and resized."""

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
MAX_PIXELS = 50_000_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
_GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "F"})


@dataclass(frozen=True)
class FolderImages:
    """What a folder holds; `is_test` is None where the folder does not say."""

    images: UInt8[np.ndarray, "n c h w"]
    labels: Int[np.ndarray, "n"]
    class_names: tuple[str, ...]
    is_test: Bool[np.ndarray, "n"] | None


def read_folder(folder: Path, side: int, channels: int | None = None) -> FolderImages:
    """All images below a folder, as squares of `side` pixels.

    Sub-folders are classes; `train` and `test` sub-folders are splits, with classes below them.
    `channels` is 1 (grey) or 3 (colour); None means grey where every image is. Raises DataError
    where the folder is absent, holds too few images, or an image cannot be read.
    """
    paths = _image_paths(folder)
    splits = {path.relative_to(folder).parts[0] for path in paths} == {"train", "test"}
    is_test = np.array([path.relative_to(folder).parts[0] == "test" for path in paths])
    names = [_class_of(path, folder, skip=1 if splits else 0) for path in paths]
    class_names = tuple(sorted(set(names) - {""}))
    positions = {name: index for index, name in enumerate(class_names)}
    labels = np.array([positions.get(name, -1) for name in names], dtype=np.int64)
    images = _read_all(paths, side, channels)
    return FolderImages(images, labels, class_names, is_test if splits else None)


def to_square(picture: Image.Image, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """One picture upright, on black where it is transparent, cropped centrally and resized."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
    if upright.mode.startswith("I;16") or upright.mode == "I":
        upright = Image.fromarray((np.asarray(upright, dtype=np.float64) / 257).astype(np.uint8))
    converted = upright.convert("L" if channels == 1 else "RGB")
    square = np.asarray(ImageOps.fit(converted, (side, side), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(square.reshape(side, side, channels).transpose(2, 0, 1))


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
