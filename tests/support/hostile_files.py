"""Pictures as people and attackers bring them: what each should look like, or why it is refused.

The scene is four quadrants, red and green above, blue and white below, so that what was turned,
cropped or made transparent shows in the pixels.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
BLACK = (0, 0, 0)
SCENE = ((RED, GREEN), (BLUE, WHITE))
Quadrants = tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class Wanted:
    """A file that is welcome: its quadrants once it is plain, and what is said of it."""

    content: bytes
    quadrants: Quadrants = SCENE
    steps: tuple[str, ...] = ()
    tolerance: int = 2


def scene(mode: str = "RGB", size: int = 32) -> Image.Image:
    """The four quadrants in some mode."""
    pixels = np.array(SCENE, np.uint8).repeat(size // 2, axis=0).repeat(size // 2, axis=1)
    return Image.fromarray(pixels).convert(mode)


def saved(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    """A picture as a file's bytes."""
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file: its length, kind, content and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG file by hand; `extra` chunks come before the pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(rows, 9))
    chunks = (png_chunk(b"IHDR", head), *extra, pixels, png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def with_clear_corner(mode: str) -> Image.Image:
    """The scene with a transparent red quadrant."""
    layered = scene("RGBA")
    layered.paste((255, 0, 0, 0), (0, 0, 16, 16))
    return layered.convert(mode)


def palette_with_clear_corner() -> bytes:
    """A palette picture whose red is transparent."""
    picture = scene().quantize(4, dither=Image.Dither.NONE)
    return saved(picture, transparency=picture.getpixel((0, 0)))


def sixteen_bit_colours() -> bytes:
    """The scene in 16 bits a channel, which Pillow itself cannot write."""
    values = np.array(SCENE, ">u2").repeat(16, axis=0).repeat(16, axis=1) * 257
    return png(32, 32, 16, 2, b"".join(b"\0" + row.tobytes() for row in values.astype(">u2")))


def sixteen_bit_greys() -> Image.Image:
    """Four levels of grey, 0, 85, 170 and 255 of 255."""
    levels = np.array([[0, 21845], [43690, 65535]], np.uint16)
    return Image.fromarray(levels.repeat(16, axis=0).repeat(16, axis=1))


def in_inks() -> Image.Image:
    """Cyan, magenta, yellow, and half black."""
    inks = np.array([[(255, 0, 0, 0), (0, 255, 0, 0)], [(0, 0, 255, 0), (0, 0, 0, 128)]], np.uint8)
    return Image.fromarray(inks.repeat(16, axis=0).repeat(16, axis=1), "CMYK")


def film(kind: str) -> bytes:
    """The scene, then two black frames."""
    rest = [Image.new("RGB", (32, 32), shade) for shade in ("black", "grey")]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    return saved(scene(), kind, save_all=True, append_images=rest, duration=50, **lossless)


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """The scene, as the EXIF standard has a camera of that orientation store it.

    Its table says which side of the scene the first row and the first column of the file are.
    """
    sides = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }
    first_row, first_column = sides[orientation]
    pixels = np.asarray(scene())
    if first_row in ("left", "right"):
        pixels = pixels.transpose(1, 0, 2)
    pixels = pixels[::-1] if first_row in ("bottom", "right") else pixels
    pixels = pixels[:, ::-1] if first_column in ("bottom", "right") else pixels
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    return saved(Image.fromarray(pixels), kind, exif=exif, **options)


def wide() -> bytes:
    """The scene between two grey margins."""
    picture = Image.new("RGB", (96, 32), "grey")
    picture.paste(scene(), (32, 0))
    return saved(picture)


TURNED, CLEAR = "turned as its camera says", "transparent parts on black"
FIRST, CROPPED = "the first frame of an animation", "cropped to its middle square"
WITHOUT_RED: Quadrants = ((BLACK, GREEN), (BLUE, WHITE))
GREYS: Quadrants = (((0,) * 3, (85,) * 3), ((170,) * 3, (255,) * 3))
LUMA: Quadrants = (((76,) * 3, (150,) * 3), ((29,) * 3, (255,) * 3))
"""The scene in grey, by ITU-R 601: 0.299 red + 0.587 green + 0.114 blue."""

WELCOME: dict[str, Wanted] = {
    "plain PNG": Wanted(saved(scene())),
    "PNG with alpha": Wanted(saved(with_clear_corner("RGBA")), WITHOUT_RED, (CLEAR,)),
    "WebP with alpha": Wanted(
        saved(with_clear_corner("RGBA"), "WEBP", lossless=True), WITHOUT_RED, (CLEAR,)
    ),
    "PNG with alpha that hides nothing": Wanted(saved(scene("RGBA"))),
    "palette with a clear colour": Wanted(palette_with_clear_corner(), WITHOUT_RED, (CLEAR,)),
    "grey with alpha": Wanted(saved(scene("LA")), LUMA, tolerance=6),
    "16 bits of grey": Wanted(saved(sixteen_bit_greys()), GREYS, ("16 bits of grey made 8",)),
    "16 bits a colour": Wanted(sixteen_bit_colours()),
    "JPEG in inks": Wanted(
        saved(in_inks(), "JPEG", quality=100, subsampling=0),
        (((0, 255, 255), (255, 0, 255)), ((255, 255, 0), (127, 127, 127))),
        ("printing inks made red, green and blue",),
        6,
    ),
    "progressive JPEG": Wanted(
        saved(scene(), "JPEG", quality=100, subsampling=0, progressive=True), tolerance=6
    ),
    "grey JPEG": Wanted(saved(scene("L"), "JPEG", quality=100), LUMA, tolerance=6),
    "one bit": Wanted(
        saved(scene("L").point(lambda level: 255 * (level > 100)).convert("1")),
        ((BLACK, WHITE), (BLACK, WHITE)),
    ),
    "BMP": Wanted(saved(scene(), "BMP")),
    "animated GIF": Wanted(film("GIF"), steps=(FIRST,)),
    "animated PNG": Wanted(film("PNG"), steps=(FIRST,)),
    "animated WebP": Wanted(film("WEBP"), steps=(FIRST,)),
    "wide": Wanted(wide(), steps=(CROPPED,)),
    "turned PNG": Wanted(turned(6, "PNG"), steps=(TURNED,)),
    **{
        f"turned JPEG {way}": Wanted(turned(way), steps=(TURNED,) * (way > 1), tolerance=6)
        for way in range(1, 9)
    },
}


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims so many pixels."""
    return png(width, height, 8, 6, b"\0" * 64)


def one_bit_square(side: int) -> bytes:
    """A valid PNG of `side` times `side` black pixels: kilobytes that would be megabytes."""
    return png(side, side, 1, 0, b"\0" * (side * (1 + -(-side // 8))))


def gif_claiming(width: int, height: int) -> bytes:
    """A GIF of one pixel on a screen of so many."""
    content = bytearray(saved(Image.new("L", (1, 1)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def webp_claiming(side: int) -> bytes:
    """An extended WebP header with such a canvas, and no frames."""
    sides = (side - 1).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_claiming(width: int, height: int) -> bytes:
    """A BMP header with such a size, and the pixels of another."""
    content = bytearray(saved(scene(), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG header with such a size, and the pixels of another."""
    content = bytearray(saved(scene(), "JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_of_many_passes(passes: int) -> bytes:
    """A progressive JPEG whose last pass comes again and again: each costs all its pixels."""
    content = saved(Image.new("L", (2000, 2000)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * passes + content[-2:]


def text_bomb() -> bytes:
    """A PNG whose compressed remark is 300 MB long."""
    squeezer = zlib.compressobj(9)
    parts = [squeezer.compress(b"\0" * 2**20) for _ in range(300)]
    remark = b"Comment\0\0" + b"".join(parts) + squeezer.flush()
    return png(1, 1, 8, 0, b"\0\0", png_chunk(b"zTXt", remark))


def tiff_with_a_huge_tile() -> bytes:
    """A TIFF of 16 pixels a side whose one tile claims 60,000."""
    content = saved(Image.new("L", (16, 16)), "TIFF")
    entries = struct.unpack_from("<H", content, 8)[0]
    tags = [content[10 + 12 * n : 22 + 12 * n] for n in range(entries)]
    tiles = [struct.pack("<HHII", tag, 4, 1, 60_000) for tag in (322, 323)]
    tiles += [struct.pack("<HHII", 324, 4, 1, 8), struct.pack("<HHII", 325, 4, 1, 256)]
    kept = [tag for tag in tags if struct.unpack_from("<H", tag)[0] not in (273, 278, 279)]
    made = sorted(kept + tiles)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(made))
    return head + b"".join(made) + b"\0" * 400


SVG = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>"""

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(touched) run\n%%EOF\n"

NO_IMAGE, TOO_MANY = "cannot be read as an image", "more than 50,000,000 pixels"

UNWELCOME: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", NO_IMAGE),
    "text": (lambda: b"hello", NO_IMAGE),
    "SVG": (lambda: SVG, NO_IMAGE),
    "PostScript": (lambda: EPS, NO_IMAGE),
    "an archive": (lambda: b"PK\x03\x04" + b"\0" * 60, NO_IMAGE),
    "PNG cut short": (lambda: WELCOME["plain PNG"].content[:-40], NO_IMAGE),
    "PNG head alone": (lambda: WELCOME["plain PNG"].content[:20], NO_IMAGE),
    "JPEG cut short": (lambda: saved(noise(), "JPEG")[:-900], NO_IMAGE),
    "GIF cut short": (lambda: saved(noise(), "GIF")[:-900], NO_IMAGE),
    "WebP cut short": (lambda: saved(noise(), "WEBP")[:-300], NO_IMAGE),
    "icon": (lambda: saved(scene(), "ICO"), NO_IMAGE),
    "JPEG 2000": (lambda: saved(scene(), "JPEG2000"), NO_IMAGE),
    "20,000 x 20,000": (lambda: one_bit_square(20_000), TOO_MANY),
    "PNG that claims 60,000 x 60,000": (lambda: claiming(60_000, 60_000), TOO_MANY),
    "PNG that claims 2,000,000,000 x 1": (lambda: claiming(2_000_000_000, 1), TOO_MANY),
    "PNG that claims 0 x 9": (lambda: claiming(0, 9), NO_IMAGE),
    "GIF that claims 65,535 x 65,535": (lambda: gif_claiming(65_535, 65_535), TOO_MANY),
    "WebP that claims 16,383 x 16,383": (lambda: webp_claiming(16_383), TOO_MANY),
    "BMP that claims 30,000 x 30,000": (lambda: bmp_claiming(30_000, 30_000), TOO_MANY),
    "JPEG that claims 65,000 x 65,000": (lambda: jpeg_claiming(65_000, 65_000), TOO_MANY),
    "PNG with 300 MB of remarks": (text_bomb, NO_IMAGE),
    "JPEG of 3,000 passes": (lambda: jpeg_of_many_passes(3000), "more than 100"),
}


def noise(side: int = 64) -> Image.Image:
    """A picture that does not compress."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))
