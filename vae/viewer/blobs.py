"""Networks, codes, rate curves and pictures as bytes that the pages' JavaScript reads.

A blob is the magic `LATX`, the header's length (uint32, little-endian), the header (UTF-8 JSON,
padded with spaces) and the arrays, each aligned to 8 bytes. The header's `arrays` gives each
array's dtype, shape and offset, counted from the end of the header.
"""

import json
import math
import struct
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8
from torch import nn

from vae.charts.images import jpeg_bytes, png_bytes, sprite_sheet
from vae.core.config import LOGVAR_LIMIT
from vae.core.errors import UnsupportedNetwork
from vae.viewer.layers import Arrays, export_layers

FORMAT = 1
"""Version of the blobs' layout and headers."""

MAGIC = b"LATX"
ALIGNMENT = 8
DTYPES = ("float32", "int32", "uint8")


def pack(header: dict[str, Any], arrays: Arrays) -> bytes:
    """One blob of a JSON header and named arrays (float32, int32 or uint8)."""
    table: dict[str, Any] = {}
    data = bytearray()
    for name, array in arrays.items():
        assert array.dtype.name in DTYPES, f"{name} is {array.dtype}, not one of {DTYPES}"
        table[name] = {"dtype": array.dtype.name, "shape": array.shape, "offset": len(data)}
        data += array.astype(array.dtype.newbyteorder("<")).tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    text = json.dumps({**header, "arrays": table}).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % ALIGNMENT)
    return MAGIC + struct.pack("<I", len(text)) + text + bytes(data)


def decoder_blob(
    decoder: nn.Sequential,
    latent_dim: int,
    image_shape: Sequence[int],
    identity: str,
    mean: Literal["sigmoid", "identity"] = "sigmoid",
    max_megabytes: float = 32.0,
    beta_range: tuple[float, float] | None = None,
) -> bytes:
    """A decoder as a blob of kind `decoder`, named `identity` in the browser.

    `image_shape` is (c, h, w). `mean` says how the decoder's output becomes pixel means.
    `beta_range` is what a decoder with gates serves; the browser sets its beta.
    Raises `UnsupportedNetwork` for a layer that the browser lacks or for too much data.
    """
    layers, arrays = export_layers(decoder, [latent_dim], math.prod(image_shape))
    _check_size("decoder", arrays, max_megabytes)
    header = {
        "format": FORMAT,
        "kind": "decoder",
        "id": identity,
        "latent_dim": latent_dim,
        "image_shape": list(image_shape),
        "mean": mean,
        "beta_range": None if beta_range is None else list(beta_range),
        "layers": layers,
    }
    return pack(header, arrays)


def encoder_blob(
    encoder: nn.Sequential,
    image_shape: Sequence[int],
    latent_dim: int,
    identity: str,
    is_gaussian: bool = True,
    logvar_limit: float = LOGVAR_LIMIT,
    max_megabytes: float = 32.0,
) -> bytes:
    """An encoder as a blob of kind `encoder`, named `identity` in the browser.

    `image_shape` is (c, h, w), pixels in [0, 1]. It gives the code's means and behind them, where
    it `is_gaussian`, the log-variances, which are kept within plus and minus the limit.
    Raises `UnsupportedNetwork` for a layer that the browser lacks or for too much data.
    """
    outputs = 2 * latent_dim if is_gaussian else latent_dim
    layers, arrays = export_layers(encoder, image_shape, outputs)
    _check_size("encoder", arrays, max_megabytes)
    header = {
        "format": FORMAT,
        "kind": "encoder",
        "id": identity,
        "latent_dim": latent_dim,
        "image_shape": list(image_shape),
        "logvar_limit": logvar_limit,
        "layers": layers,
    }
    return pack(header, arrays)


def _check_size(name: str, arrays: Arrays, max_megabytes: float) -> None:
    megabytes = sum(array.nbytes for array in arrays.values()) / 1e6
    if megabytes > max_megabytes:
        raise UnsupportedNetwork(
            f"The {name} is {megabytes:.1f} MB, more than the {max_megabytes:g} MB that the"
            " browser is sent; choose a smaller architecture."
        )


def codes_blob(
    identity: str,
    points: Float[np.ndarray, "n latent"],
    logvars: Float[np.ndarray, "n latent"] | None = None,
    labels: Integer[np.ndarray, "n"] | None = None,
    class_names: Sequence[str] = (),
    active: Integer[np.ndarray, "active"] | None = None,
    spacings: Float[np.ndarray, "101"] | None = None,
) -> bytes:
    """Posterior means, with log-variances and class indices where known, as kind `codes`.

    Codes whose label is -1 become a class of their own, the last, where others have labels.
    `active` are the dimensions over which distances count, and `spacings` the quantiles in which
    the distance from a place to its nearest code is looked up: `Neighbours.spacing_quantiles`.
    """
    arrays: Arrays = {"points": np.asarray(points, dtype=np.float32)}
    if logvars is not None:
        arrays["logvars"] = np.asarray(logvars, dtype=np.float32)
    names = [str(name) for name in class_names]
    if labels is not None and np.any(labels >= 0):
        unlabelled = max(len(names), int(np.max(labels)) + 1)
        arrays["labels"] = np.where(labels < 0, unlabelled, labels).astype(np.int32)
        if np.any(labels < 0):
            names += [str(i) for i in range(len(names), unlabelled)] + ["no class"]
    if active is not None:
        arrays["active"] = active.astype(np.int32)
    if spacings is not None:
        arrays["spacings"] = spacings.astype(np.float32)
    header = {
        "format": FORMAT,
        "kind": "codes",
        "id": identity,
        "latent_dim": points.shape[1],
        "class_names": names,
    }
    return pack(header, arrays)


def rate_curve_blob(
    identity: str,
    betas: Float[np.ndarray, "grid"],
    distortion: Float[np.ndarray, "grid"],
    rate_per_dimension: Float[np.ndarray, "grid latent"],
    active: Bool[np.ndarray, "grid latent"] | UInt8[np.ndarray, "grid latent"],
    points: Float[np.ndarray, "grid n 2"],
    labels: Integer[np.ndarray, "n"],
    class_names: Sequence[str],
) -> bytes:
    """What a model of many betas gives at each of a rising grid of them, as kind `rate-curve`.

    Distortion and rates are nats per test image. `points` are the posterior means of n test images
    on a plane whose (0, 0) is the prior's mean, `labels` their class indices, -1 for none.
    """
    assert len(betas) > 1, "a curve needs two betas"
    assert np.all(np.diff(betas, prepend=0) > 0), "betas must rise from above 0"
    arrays: Arrays = {
        "betas": betas.astype(np.float32),
        "distortion": distortion.astype(np.float32),
        "rates": rate_per_dimension.astype(np.float32),
        "active": active.astype(np.uint8),
        "points": points.astype(np.float32),
        "labels": labels.astype(np.int32),
    }
    header = {
        "format": FORMAT,
        "kind": "rate-curve",
        "id": identity,
        "latent_dim": rate_per_dimension.shape[1],
        "class_names": [str(name) for name in class_names],
    }
    return pack(header, arrays)


def frames_blob(
    identity: str,
    number: int,
    frames: Sequence[Float[np.ndarray, "_ _ _ _"] | Float[np.ndarray, "_ _"]],
) -> bytes:
    """Decoded images (n, h, w, c) with pixels in [0, 1], or codes, as kind `frames`: an answer.

    `identity` names who asked, `number` the request. Array i holds frames[i]: images as
    (n, c, h, w) bytes, codes (n, numbers) as they are.
    """
    header = {"format": FORMAT, "kind": "frames", "id": identity, "number": number}
    return pack(header, {str(i): _frame(found) for i, found in enumerate(frames)})


def _frame(found: np.ndarray) -> np.ndarray:
    return _levels(found) if found.ndim == 4 else found.astype(np.float32)


def _levels(images: Float[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n c h w"]:
    rounded = 255 * np.clip(np.nan_to_num(images), 0, 1) + 0.5
    return rounded.astype(np.uint8).transpose(0, 3, 1, 2)


def pictures_blob(
    identity: str, pixels: UInt8[np.ndarray, "n h w c"], max_megapixels: float = 16.0
) -> bytes | None:
    """Images as one sprite sheet, kind `pictures`; None where they are too many for a browser.

    Image i is in row i // columns and column i % columns of a nearly square grid without gaps.
    The array `file` is a PNG of grey images and a JPEG of colour ones, whose blocks of 8 pixels
    blur the seams of images with other sides than multiples of 8. Some browsers draw no canvas of
    more than 16 megapixels.
    """
    n, h, w, c = pixels.shape
    columns = math.ceil(math.sqrt(n * h / w))
    rows = math.ceil(n / columns)
    if rows * h * columns * w > max_megapixels * 1e6:
        return None
    sheet = sprite_sheet(pixels, columns)
    file, mime = (png_bytes(sheet), "image/png") if c == 1 else (jpeg_bytes(sheet), "image/jpeg")
    header = {
        "format": FORMAT,
        "kind": "pictures",
        "id": identity,
        "count": n,
        "columns": columns,
        "rows": rows,
        "image_shape": [c, h, w],
        "mime": mime,
    }
    return pack(header, {"file": np.frombuffer(file, np.uint8)})
