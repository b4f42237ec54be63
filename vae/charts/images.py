"""Turns image arrays into enlarged pictures, tiles, and PNG, JPEG and GIF files.

Pictures are enlarged by whole multiples, so pixels stay sharp.

Example:
    sheet = tile(images, columns=10, size=56)
    Path("samples.png").write_bytes(png_bytes(sheet))
"""

from io import BytesIO

import numpy as np
from jaxtyping import Float, UInt8

SHORTEST_FRAME = 20
"""The shortest frame in milliseconds; browsers slow down films with shorter frames."""


def enlarge(image: Float[np.ndarray, "h w c"], size: int) -> UInt8[np.ndarray, "H W 3"]:
    """Returns an image (pixels in [0, 1]) at the largest whole multiple that fits into `size`."""
    pixels = _bytes(image)
    return _repeated(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), size)


def tile(
    images: Float[np.ndarray, "n h w c"], columns: int, size: int, gap: int = 2
) -> UInt8[np.ndarray, "H W 4"]:
    """Returns images row by row, each about `size` pixels, with transparent gaps."""
    tiles = [enlarge(image, size) for image in images]
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for index, picture in enumerate(tiles):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width, :3] = picture
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def sprite_sheet(pixels: UInt8[np.ndarray, "n h w c"], columns: int) -> UInt8[np.ndarray, "H W c"]:
    """Returns images row by row without gaps; the unused end of the last row is black."""
    n, h, w, c = pixels.shape
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, h, w, c), np.uint8)
    cells[:n] = pixels
    grid = cells.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * h, columns * w, c)


def png_bytes(picture: UInt8[np.ndarray, "H W c"]) -> bytes:
    """Returns a PNG file; the number of channels (1, 3 or 4) selects grey, RGB or RGBA."""
    return _file(picture, "PNG")


def jpeg_bytes(
    picture: UInt8[np.ndarray, "H W c"], quality: int = 90, halves_colour: bool = False
) -> bytes:
    """Returns a picture of 1 or 3 channels as a JPEG file.

    Colour keeps its full resolution (4:4:4) or, as is usual, half of it each way (4:2:0).
    """
    subsampling = 2 if halves_colour else 0
    return _file(picture, "JPEG", quality=quality, subsampling=subsampling)


def gif_bytes(
    frames: Float[np.ndarray, "n h w c"], size: int, seconds: float, there_and_back: bool = True
) -> bytes:
    """Returns a film that loops for ever as a GIF file, enlarged as by `enlarge`.

    The first to the last frame take `seconds`, rounded to 10 ms a frame (GIF's unit; at least 20).
    The film then runs backwards or starts again. Grey frames are exact. Colour frames share 256
    colours without dithering.
    """
    from PIL import Image

    indices, palette = _indexed(frames)
    pictures = [Image.fromarray(_repeated(frame, size)) for frame in indices]
    for picture in pictures:
        picture.putpalette(palette)
    if there_and_back:
        pictures += pictures[-2:0:-1]
    duration = max(SHORTEST_FRAME, 10 * round(100 * seconds / max(1, len(frames) - 1)))
    file = BytesIO()
    pictures[0].save(
        file, "GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0
    )
    return file.getvalue()


def _indexed(frames: np.ndarray) -> tuple[np.ndarray, bytes]:
    """Returns each pixel's index into one palette (RGBRGB…) of all frames, and the palette."""
    from PIL import Image

    pixels = _bytes(frames)
    n, h, w, c = pixels.shape
    if c == 1:
        return pixels[..., 0], bytes(value for grey in range(256) for value in (grey,) * 3)
    stacked = Image.fromarray(pixels.reshape(n * h, w, c))
    indexed = stacked.quantize(256, dither=Image.Dither.NONE)
    return np.asarray(indexed).reshape(n, h, w), bytes(indexed.getpalette() or ())


def _bytes(images: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _repeated(pixels: np.ndarray, size: int) -> np.ndarray:
    factor = max(1, size // max(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _file(picture: np.ndarray, kind: str, **settings: int) -> bytes:
    from PIL import Image

    file = BytesIO()
    grey = picture.shape[2] == 1
    Image.fromarray(picture[..., 0] if grey else picture).save(file, kind, **settings)
    return file.getvalue()
