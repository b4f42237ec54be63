"""One picture that somebody brings: opened within bounds, made plain, and fitted to a model.

What comes from elsewhere is judged by its header before its pixels are decoded, by the few formats
that are offered and no other, one picture at a time: so the cost of the worst file is bounded.
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
"""What pages offer; Pillow's names."""

FOLDER_FORMATS = (*UPLOAD_FORMATS, "TIFF")
"""What a folder may hold: no format that runs a program of its own, as EPS does."""

MAX_PIXELS = 50_000_000
MAX_FILE_BYTES = 256 * 2**20
MAX_SCANS = 100
"""Of a JPEG; a few bytes of one can cost a pass over all pixels, and usual ones have ten."""

KEPT_SIDE = 512
"""Pixels that are kept of a brought picture's side, twice the largest model's."""

PREVIEW_SIDE = 192
DARK, LIGHT, EVEN = 0.06, 0.94, 0.04
"""Pixels up to the first are as good as black, from the second as white; so much apart is seen."""

_ROOM = 16
"""A picture more than so many times as large as is wanted is shrunk before anything else."""

_ORIENTATION = 0x0112
_TILE_SIDES = 322, 323
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Upload:
    """A picture as it came, the middle of it as plain pixels, and what was done to it."""

    name: str
    preview: UInt8[np.ndarray, "height width 4"]
    """As it came, upright and small, its transparent parts transparent."""

    pixels: UInt8[np.ndarray, "side side 3"]
    """Its middle square in red, green and blue, at most KEPT_SIDE pixels wide."""

    steps: tuple[str, ...]
    """What was done so far, each in a few words."""

    def fitted(self, image_shape: tuple[int, int, int]) -> Float[np.ndarray, "h w c"]:
        """As an image of a model's (channels, height, width), pixels in [0, 1]."""
        channels, height, width = image_shape
        picture = Image.fromarray(self.pixels).convert("L" if channels == 1 else "RGB")
        fitted = np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS))
        return fitted.reshape(height, width, channels).astype(np.float32) / 255

    def steps_to(self, image_shape: tuple[int, int, int]) -> tuple[str, ...]:
        """All that was done to become an image of that shape."""
        channels, height, width = image_shape
        is_colour = bool((self.pixels != self.pixels[..., :1]).any())
        grey = ("made grey",) if channels == 1 and is_colour else ()
        return (*self.steps, *grey, f"brought to {width} × {height} pixels")


def read_upload(file: IO[bytes], name: str) -> Upload:
    """Read one picture of a person; DataError where it is none, or larger than is allowed."""
    with _refusing(name, UPLOAD_FORMATS):
        picture = _opened(file, name, UPLOAD_FORMATS, KEPT_SIDE // 4)
        steps, size = _first_of_several(picture) + _turned(picture), picture.size
        layered, changed = _in_eight_bits(picture, KEPT_SIDE // 4)
        plain, flattened = _on_black(layered)
        side = min(*plain.size, KEPT_SIDE)
        square = ImageOps.fit(plain.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        cropped = () if size[0] == size[1] else ("cropped to its middle square",)
        return Upload(
            name, _preview(layered), np.array(square), (*steps, *changed, *flattened, *cropped)
        )


def read_square(file: IO[bytes], name: str, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """One picture of a folder as a square of so many pixels; DataError where it cannot be read."""
    with _refusing(name, FOLDER_FORMATS):
        picture = _opened(file, name, FOLDER_FORMATS, side)
        _turned(picture)
        return to_square(picture, side, channels)


def read_mode(file: IO[bytes], name: str) -> str:
    """Pillow's name of a picture's kind of pixels, from its header alone; DataError as above."""
    with _refusing(name, FOLDER_FORMATS):
        return Image.open(file, formats=FOLDER_FORMATS).mode


def to_square(picture: Image.Image, side: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """An upright picture, on black where it is transparent, cropped centrally and resized."""
    plain, _ = _on_black(_in_eight_bits(picture, side)[0])
    converted = plain.convert("L" if channels == 1 else "RGB")
    square = np.asarray(ImageOps.fit(converted, (side, side), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(square.reshape(side, side, channels).transpose(2, 0, 1))


def blank_reason(image: Float[np.ndarray, "h w c"]) -> str:
    """What is wrong with an image on which nothing can be seen, in a word or two; else ""."""
    low, high = float(image.min()), float(image.max())
    if high <= DARK:
        return "all black"
    if low >= LIGHT:
        return "all white"
    return "of one colour" if np.ptp(image, axis=(0, 1)).max() <= EVEN else ""


@contextmanager
def _refusing(name: str, formats: tuple[str, ...]) -> Iterator[None]:
    """One picture at a time; whatever Pillow makes of a bad one becomes a DataError."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Pillow warns of what is refused or repaired here anyway.
        warnings.simplefilter("ignore")
        try:
            yield
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except Exception as error:  # every format behind Pillow has errors of its own
            kinds = f"{', '.join(formats[:-1])} or {formats[-1]}"
            raise DataError(
                f"{name} cannot be read as an image ({kinds}); repair it, save it as PNG or leave "
                "it out"
            ) from error


def _opened(file: IO[bytes], name: str, formats: tuple[str, ...], side: int) -> Image.Image:
    """The picture with its pixels, once its header shows that they are few enough."""
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
        picture.draft(None, (_ROOM * side, _ROOM * side))
    picture.load()
    return picture


def _too_large(name: str) -> DataError:
    return DataError(f"{name} has more than {MAX_PIXELS:,} pixels; make it smaller")


def _check_scans(file: IO[bytes], name: str) -> None:
    place = file.tell()
    file.seek(0)
    scans = file.read().count(b"\xff\xda")
    file.seek(place)
    if scans > MAX_SCANS:
        raise DataError(
            f"{name} is a JPEG of {scans} passes, more than {MAX_SCANS}; save it again as PNG"
        )


def _first_of_several(picture: Image.Image) -> tuple[str, ...]:
    several = picture.format in ("GIF", "PNG", "WEBP") and getattr(picture, "is_animated", False)
    return ("the first frame of a film",) if several else ()


def _turned(picture: Image.Image) -> tuple[str, ...]:
    """Turn a picture in place as its camera says."""
    is_turned = picture.getexif().get(_ORIENTATION, 1) in range(2, 9)
    ImageOps.exif_transpose(picture, in_place=True)
    return ("turned as its camera says",) if is_turned else ()


def _in_eight_bits(picture: Image.Image, side: int) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture as L, LA, RGB or RGBA, not much larger than a square of `side` needs."""
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
    """Without the copy that Pillow makes where nothing has to change."""
    return picture if picture.mode == mode else picture.convert(mode)


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    """By a whole factor, where far more pixels are there than a square of `side` can use."""
    factor = min(picture.size) // (_ROOM * side)
    return picture.reduce(factor) if factor > 1 else picture


def _stretched(values: np.ndarray) -> np.ndarray:
    """Numbers without a known range as grey values, the lowest black and the highest white."""
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
