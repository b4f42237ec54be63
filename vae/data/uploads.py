"""Reads a picture that a person uploads, within limits, and converts it to a model's images.

Uploads may be malicious. Only a few formats are read, and a file's header is checked before its
pixels are decoded. One picture is read at a time. The cost of the worst file is therefore bounded.

Example:
    >>> with open("photo.jpg", "rb") as file:
    ...     upload = read_upload(file, "photo.jpg")
    >>> image = upload.fitted((1, 28, 28))  # (28, 28, 1), pixels in [0, 1]
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps

from vae.core.errors import DataError

UPLOAD_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
"""Formats that pages offer, by Pillow's names."""

FOLDER_FORMATS = (*UPLOAD_FORMATS, "TIFF")
"""Formats that a folder may hold; formats that contain programs, such as EPS, are left out."""

MAX_PIXELS = 50_000_000
MAX_FILE_BYTES = 256 * 2**20
MAX_SCANS = 100
"""Most scans of a JPEG; usual files have ten. A few bytes can cost a pass over all pixels."""

KEPT_SIDE = 512
"""Largest side in pixels of a stored upload: twice the side of the largest model's images."""

PREVIEW_SIDE = 192

BLACK_LEVEL, WHITE_LEVEL = 0.06, 0.94
"""Pixels up to the first level look black; pixels from the second level on look white."""

VISIBLE_CONTRAST = 0.04
"""Largest difference between pixels that nobody can see."""

_SHRINK_FACTOR = 16
"""A picture more than this many times as large as needed is shrunk before other operations."""

_ORIENTATION = 0x0112
"""The EXIF tag of the camera's orientation."""

_TILE_SIDES = 322, 323
"""The TIFF tags of a tile's width and height."""

_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Upload:
    """An uploaded picture: a preview, the pixels of its middle square, and the conversion steps."""

    name: str
    preview: UInt8[np.ndarray, "height width 4"]
    """The whole picture, upright and small; transparent parts stay transparent."""

    pixels: UInt8[np.ndarray, "side side 3"]
    """The middle square in red, green and blue, at most KEPT_SIDE pixels wide."""

    steps: tuple[str, ...]
    """The conversions so far, each described in a few words."""

    def fitted(self, image_shape: tuple[int, int, int]) -> Float[np.ndarray, "h w c"]:
        """Return an image of a model's (channels, height, width), with pixels in [0, 1]."""
        channels, height, width = image_shape
        picture = Image.fromarray(self.pixels).convert("L" if channels == 1 else "RGB")
        fitted = np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS))
        return fitted.reshape(height, width, channels).astype(np.float32) / 255

    def steps_to(self, image_shape: tuple[int, int, int]) -> tuple[str, ...]:
        """Return the descriptions of all conversions to an image of that shape."""
        channels, height, width = image_shape
        is_colour = bool((self.pixels != self.pixels[..., :1]).any())
        grey = ("made grey",) if channels == 1 and is_colour else ()
        return (*self.steps, *grey, f"resized to {width} × {height} pixels")


def read_upload(file: IO[bytes], name: str) -> Upload:
    """Read an uploaded picture; raise DataError if it is no picture or exceeds a limit."""
    with _pillow_errors_as_data_errors(name, UPLOAD_FORMATS):
        picture = _open(file, name, UPLOAD_FORMATS, KEPT_SIDE // 4)
        steps, size = _describe_animation(picture) + _rotate(picture), picture.size
        layered, changed = _in_eight_bits(picture, KEPT_SIDE // 4)
        plain, flattened = _on_black(layered)
        side = min(*plain.size, KEPT_SIDE)
        square = ImageOps.fit(plain.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        cropped = () if size[0] == size[1] else ("cropped to its middle square",)
        return Upload(
            name, _preview(layered), np.array(square), (*steps, *changed, *flattened, *cropped)
        )


def read_square(file: IO[bytes], name: str, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """Read one picture of a folder as a square of `side` pixels; raise DataError if that fails."""
    with _pillow_errors_as_data_errors(name, FOLDER_FORMATS):
        picture = _open(file, name, FOLDER_FORMATS, side)
        _rotate(picture)
        return to_square(picture, side, channels)


def read_mode(file: IO[bytes], name: str) -> str:
    """Return Pillow's mode of a picture, such as "RGB", from its header alone."""
    with _pillow_errors_as_data_errors(name, FOLDER_FORMATS):
        return Image.open(file, formats=FOLDER_FORMATS).mode


def to_square(picture: Image.Image, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """Return an upright picture on a black background, cropped to its middle square and resized."""
    plain, _ = _on_black(_in_eight_bits(picture, side)[0])
    converted = plain.convert("L" if channels == 1 else "RGB")
    square = np.asarray(ImageOps.fit(converted, (side, side), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(square.reshape(side, side, channels).transpose(2, 0, 1))


def blank_reason(image: Float[np.ndarray, "h w c"]) -> str:
    """Return why nothing can be seen in an image, such as "all black"; return "" if it is fine."""
    low, high = float(image.min()), float(image.max())
    if high <= BLACK_LEVEL:
        return "all black"
    if low >= WHITE_LEVEL:
        return "all white"
    return "of one colour" if np.ptp(image, axis=(0, 1)).max() <= VISIBLE_CONTRAST else ""


@contextmanager
def _pillow_errors_as_data_errors(name: str, formats: tuple[str, ...]) -> Iterator[None]:
    """Read one picture at a time; turn every error of Pillow into a DataError."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Pillow's warnings are about pictures that this module refuses or repairs anyway.
        warnings.simplefilter("ignore")
        try:
            yield
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except Exception as error:  # Each of Pillow's formats raises errors of its own.
            kinds = f"{', '.join(formats[:-1])} or {formats[-1]}"
            raise DataError(
                f"{name} cannot be read as an image ({kinds}); repair it, save it as PNG or leave "
                "it out"
            ) from error


def _open(file: IO[bytes], name: str, formats: tuple[str, ...], side: int) -> Image.Image:
    """Decode a picture after checking that its header promises few enough pixels."""
    if file.seek(0, 2) > MAX_FILE_BYTES:
        raise DataError(
            f"{name} is a file of more than {MAX_FILE_BYTES // 2**20} MB; make it smaller"
        )
    file.seek(0)
    picture = Image.open(file, formats=formats)
    tags = getattr(picture, "tag_v2", {})
    width, height = (max(s, tags.get(t, 1)) for s, t in zip(picture.size, _TILE_SIDES, strict=True))
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if picture.format in ("JPEG", "MPO"):
        _check_scans(file, name)
        picture.draft(None, (_SHRINK_FACTOR * side, _SHRINK_FACTOR * side))
    picture.load()
    return picture


def _too_large(name: str) -> DataError:
    return DataError(f"{name} has more than {MAX_PIXELS:,} pixels; make it smaller")


def _check_scans(file: IO[bytes], name: str) -> None:
    position = file.tell()
    file.seek(0)
    scans = file.read().count(b"\xff\xda")
    file.seek(position)
    if scans > MAX_SCANS:
        raise DataError(
            f"{name} is a JPEG with {scans} scans, more than {MAX_SCANS}; save it again as PNG"
        )


def _describe_animation(picture: Image.Image) -> tuple[str, ...]:
    """Return the step that only the first frame is read, if the picture is an animation."""
    has_frames = picture.format in ("GIF", "PNG", "WEBP") and getattr(picture, "is_animated", False)
    return ("the first frame of an animation",) if has_frames else ()


def _rotate(picture: Image.Image) -> tuple[str, ...]:
    """Rotate or mirror a picture in place, as the camera's orientation says; return the step."""
    is_rotated = picture.getexif().get(_ORIENTATION, 1) in range(2, 9)
    ImageOps.exif_transpose(picture, in_place=True)
    return ("turned as its camera says",) if is_rotated else ()


def _in_eight_bits(picture: Image.Image, side: int) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the picture as L, LA, RGB or RGBA, not much larger than a square of `side` needs."""
    if picture.mode.startswith("I;16"):
        eight = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
        return _shrunk(eight, side), ("16 bits of grey made 8",)
    if picture.mode in ("I", "F"):
        values = np.asarray(_shrunk(picture, side), dtype=np.float64)
        return Image.fromarray(_stretched(values)), ("its numbers stretched from black to white",)
    is_layered = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if is_layered or "transparency" in picture.info:
        return _shrunk(_converted(picture, "RGBA"), side), ()
    if picture.mode in ("1", "L"):
        return _shrunk(_converted(picture, "L"), side), ()
    inks = ("printing inks made red, green and blue",) if picture.mode == "CMYK" else ()
    return _shrunk(_converted(picture, "RGB"), side), inks


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to a mode; avoid the copy that Pillow makes if it has the mode already."""
    return picture if picture.mode == mode else picture.convert(mode)


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    """Shrink a picture by a whole factor if it is far larger than a square of `side` needs."""
    factor = min(picture.size) // (_SHRINK_FACTOR * side)
    return picture.reduce(factor) if factor > 1 else picture


def _stretched(values: np.ndarray) -> np.ndarray:
    """Return numbers of unknown range as grey values: the lowest is black, the highest white."""
    finite = np.isfinite(values)
    low, high = (np.min(values[finite]), np.max(values[finite])) if finite.any() else (0.0, 0.0)
    known = np.where(finite, values, low)
    scaled = (known - low) / max(high - low, 1e-12)
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def _on_black(layered: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    if layered.mode != "RGBA":
        return layered, ()
    flat = Image.alpha_composite(Image.new("RGBA", layered.size, "black"), layered)
    is_clear = layered.getchannel("A").getextrema() != (255, 255)
    return flat, (("transparent parts on black",) if is_clear else ())


def _preview(layered: Image.Image) -> UInt8[np.ndarray, "height width 4"]:
    small = layered.copy()
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return np.array(small.convert("RGBA"))
