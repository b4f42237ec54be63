"""Images as crisp pictures: whole multiples of a pixel, a hair of space between tiles."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8


def enlarge(image: "Float[np.ndarray, 'h w c']", size: int) -> "UInt8[np.ndarray, 'H W 3']":
    """One image (pixels in [0, 1]) at the largest whole multiple that fits in `size` pixels."""
    factor = max(1, size // max(image.shape[:2]))
    return _rgb(image).repeat(factor, axis=0).repeat(factor, axis=1)


def tile(
    images: "Float[np.ndarray, 'n h w c']", columns: int, size: int, gap: int = 2
) -> "UInt8[np.ndarray, 'H W 4']":
    """Images side by side, row by row, each about `size` pixels; transparent between them."""
    tiles = [enlarge(image, size) for image in images]
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for place, picture in enumerate(tiles):
        top, left = (place // columns) * (height + gap), (place % columns) * (width + gap)
        sheet[top : top + height, left : left + width, :3] = picture
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def _rgb(image: np.ndarray) -> np.ndarray:
    pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
