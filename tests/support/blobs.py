"""This reader takes the browser's blobs apart without any code of the product."""

import json
import struct
from io import BytesIO

import numpy as np
from PIL import Image


def read_blob(blob: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Returns the header and the arrays of a blob."""
    assert blob[:4] == b"LATX"
    (length,) = struct.unpack_from("<I", blob, 4)
    header = json.loads(blob[8 : 8 + length].decode())
    data = blob[8 + length :]
    arrays = {}
    for name, entry in header["arrays"].items():
        assert (8 + length + entry["offset"]) % 8 == 0
        dtype = np.dtype(entry["dtype"]).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, dtype, count, entry["offset"])
        arrays[name] = values.reshape(entry["shape"])
    return header, arrays


def read_pictures(blob: bytes) -> tuple[dict, np.ndarray]:
    """The header, and each image cut out of the sheet by row and column."""
    header, arrays = read_blob(blob)
    file = Image.open(BytesIO(arrays["file"].tobytes()))
    assert file.get_format_mimetype() == header["mime"]
    c, h, w = header["image_shape"]
    sheet = np.asarray(file)
    sheet = sheet.reshape(*sheet.shape[:2], c)
    assert sheet.shape == (header["rows"] * h, header["columns"] * w, c)
    places = [divmod(i, header["columns"]) for i in range(header["count"])]
    return header, np.stack([sheet[r * h : r * h + h, k * w : k * w + w] for r, k in places])
