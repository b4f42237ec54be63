"""Serialises networks, codes, rate curves and images as blobs for the instruments' JavaScript.

A blob is the magic `LATX`, the header's length (uint32, little-endian), the header (UTF-8 JSON,
padded with spaces) and the arrays, each aligned to 8 bytes. The header's `arrays` gives each
array's dtype, shape and offset, counted from the end of the header.

Example:
    blob = codes_blob("codes-1", points=np.zeros((100, 2)), labels=np.zeros(100, int))
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
"""The version of the layout and of the headers."""

MAGIC = b"LATX"
ALIGNMENT = 8
DTYPES = ("float32", "int32", "uint8")


def pack(kind: str, identity: str, arrays: Arrays, **fields: Any) -> bytes:
    """Returns a blob of named arrays (float32, int32 or uint8).

    `identity` names the blob in the browser. `fields` are added to the header as JSON.
    """
    header = {"format": FORMAT, "kind": kind, "id": identity, **fields}
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
    """Returns a decoder as a blob of kind `decoder`.

    Raises `UnsupportedNetwork` for a layer that the browser lacks or for too much data.

    Args:
        decoder: Layers in sequence, from a code to the logits of an image.
        latent_dim: Number of inputs.
        image_shape: Shape (c, h, w) of the output.
        identity: Name of the decoder in the browser.
        mean: How the decoder's output becomes pixel means.
        max_megabytes: Largest size of the weights.
        beta_range: Betas that a decoder with gates serves; the browser sets the beta.
    """
    layers, arrays = export_layers(decoder, [latent_dim], math.prod(image_shape))
    _check_size("decoder", arrays, max_megabytes)
    return pack(
        "decoder",
        identity,
        arrays,
        latent_dim=latent_dim,
        image_shape=list(image_shape),
        mean=mean,
        beta_range=None if beta_range is None else list(beta_range),
        layers=layers,
    )


def encoder_blob(
    encoder: nn.Sequential,
    image_shape: Sequence[int],
    latent_dim: int,
    identity: str,
    is_gaussian: bool = True,
    logvar_limit: float = LOGVAR_LIMIT,
    max_megabytes: float = 32.0,
) -> bytes:
    """Returns an encoder as a blob of kind `encoder`.

    Raises `UnsupportedNetwork` for a layer that the browser lacks or for too much data.

    Args:
        encoder: Layers in sequence, from an image to its code.
        image_shape: Shape (c, h, w) of the input, pixels in [0, 1].
        latent_dim: Number of latent dimensions.
        identity: Name of the encoder in the browser.
        is_gaussian: Whether the log-variances follow the means in the output.
        logvar_limit: Log-variances are clamped to plus and minus this value.
        max_megabytes: Largest size of the weights.
    """
    outputs = 2 * latent_dim if is_gaussian else latent_dim
    layers, arrays = export_layers(encoder, image_shape, outputs)
    _check_size("encoder", arrays, max_megabytes)
    return pack(
        "encoder",
        identity,
        arrays,
        latent_dim=latent_dim,
        image_shape=list(image_shape),
        logvar_limit=logvar_limit,
        layers=layers,
    )


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
    """Returns posterior means, with optional facts about them, as a blob of kind `codes`.

    Args:
        identity: Name of the codes in the browser.
        points: Posterior means.
        logvars: Log-variances of the posteriors.
        labels: Class indices. Codes of label -1 form a last class if others have labels.
        class_names: Names of the classes.
        active: Dimensions that count for distances.
        spacings: Quantiles of nearest distances; see `Neighbours.spacing_quantiles`.
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
    return pack("codes", identity, arrays, latent_dim=points.shape[1], class_names=names)


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
    """Returns the measures of a multi-rate model at each beta as a blob of kind `rate-curve`.

    Args:
        identity: Name of the curve in the browser.
        betas: Rising grid of betas.
        distortion: Distortion in nats per test image.
        rate_per_dimension: Rate of each dimension in nats per test image.
        active: Whether each dimension is active at each beta.
        points: Posterior means of n test images on a plane; (0, 0) is the prior's mean.
        labels: Class index of each test image, -1 for none.
        class_names: Names of the classes.
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
    latent_dim, names = rate_per_dimension.shape[1], [str(name) for name in class_names]
    return pack("rate-curve", identity, arrays, latent_dim=latent_dim, class_names=names)


def frames_blob(
    identity: str,
    number: int,
    frames: Sequence[Float[np.ndarray, "_ _ _ _"] | Float[np.ndarray, "_ _"]],
) -> bytes:
    """Returns decoded images (n, h, w, c), pixels in [0, 1], or codes as a blob of kind `frames`.

    It answers request `number` of the instrument `identity`. Array i holds frames[i]: images as
    (n, c, h, w) bytes, codes (n, numbers) as float32.
    """
    arrays = {str(i): _frame(found) for i, found in enumerate(frames)}
    return pack("frames", identity, arrays, number=number)


def _frame(found: np.ndarray) -> np.ndarray:
    return _levels(found) if found.ndim == 4 else found.astype(np.float32)


def _levels(images: Float[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n c h w"]:
    rounded = 255 * np.clip(np.nan_to_num(images), 0, 1) + 0.5
    return rounded.astype(np.uint8).transpose(0, 3, 1, 2)


def pictures_blob(
    identity: str, pixels: UInt8[np.ndarray, "n h w c"], max_megapixels: float = 16.0
) -> bytes | None:
    """Returns images as one sprite sheet of kind `pictures`; None if too large for a browser.

    Image i lies in row i // columns and column i % columns of a nearly square grid without gaps.
    The array `file` is a PNG of grey images or a JPEG of colour images. JPEG's blocks of 8 pixels
    blur the seams of images whose sides are not multiples of 8. Some browsers cannot draw a canvas
    of more than 16 megapixels.
    """
    n, h, w, c = pixels.shape
    columns = math.ceil(math.sqrt(n * h / w))
    rows = math.ceil(n / columns)
    if rows * h * columns * w > max_megapixels * 1e6:
        return None
    sheet = sprite_sheet(pixels, columns)
    file, mime = (png_bytes(sheet), "image/png") if c == 1 else (jpeg_bytes(sheet), "image/jpeg")
    return pack(
        "pictures",
        identity,
        {"file": np.frombuffer(file, np.uint8)},
        count=n,
        columns=columns,
        rows=rows,
        image_shape=[c, h, w],
        mime=mime,
    )
