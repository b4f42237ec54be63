"""Draws sprites on demand: white squares, ellipses and hearts of which all factors are known.

They follow dSprites (Matthey, Higgins, Hassabis and Lerchner 2017, "dSprites: Disentanglement
testing Sprites dataset"). There are five factors, and one image for each combination of their
levels. All lengths were fitted to the images of dSprites. They are given in units, for a frame of
64 units and a scale of 1. A unit is a pixel of a 64-pixel image and half a pixel of a 32-pixel one.

Symmetry gives one image several orientations. Of the 40 orientations a square has 10 distinct
images, because it repeats after each quarter turn. An ellipse has 20, because it repeats after each
half turn, and a heart has 40. No model can tell equal images apart, so no code can hold the full
orientation of a square or an ellipse. The orientations of dSprites include both 0 and 2π; these
include 0 alone.

Example:
    >>> grid = SpriteGrid(side=64)
    >>> levels = grid.factors_of(grid.sample(100, seed=0))  # (100, 5)
    >>> grid.render(levels).shape
    (100, 1, 64, 64)
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from vae.core.errors import DataError

Edges = Literal["smooth", "binary"]
Plane = Float[np.ndarray, "n window window"]
Ramp = Callable[[Plane], Plane]

SPRITES = "sprites"
SPRITES_PREFIX = "sprites:"
SHAPES = ("square", "ellipse", "heart")
FULL_SIZES = {"shape": 3, "scale": 6, "orientation": 40, "x": 32, "y": 32}
SIDES = (32, 64)
TRAIN_IMAGES = 50_000
TEST_IMAGES = 10_000
MIN_GRID = 20
SPLIT_SEED = 0

FRAME = 64.0
FIRST_CENTRE, CENTRE_RANGE = 15.5, 32.0
SQUARE_HALF_SIDE = 9.6
ELLIPSE_AXES = (12.8, 7.2)
LOBE_RADIUS, LOBE_X, LOBE_Y = 4.73, 4.81, -4.54
BODY_HALF_WIDTH, BODY_POWER, TIP_Y = 9.53, 1.83, 7.93
BODY_HEIGHT = TIP_Y - LOBE_Y
_REACH = {
    "square": SQUARE_HALF_SIDE * math.sqrt(2),
    "ellipse": max(ELLIPSE_AXES),
    "heart": math.hypot(LOBE_X, LOBE_Y) + LOBE_RADIUS,
}
"""The distance of a shape's furthest point from its centre, in units."""

_SAMPLES_AT_ONCE = 40_000
"""Samples that are computed together; their arrays fit into the processor's cache."""


@dataclass(frozen=True)
class SpriteGrid:
    """All combinations of the levels of five factors, and the way to draw their images.

    `orientation` is in radians, `x` and `y` in [0, 1] from the left and the top, `scale` in (0, 1].
    An image's index counts the combinations; the last factor changes fastest. With binary edges, a
    pixel is white if its centre is inside the shape. With smooth edges, its brightness is the
    covered part of its area, to within a tenth. Raises DataError for levels that cannot be drawn.
    """

    shape: tuple[str, ...] = SHAPES
    scale: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    orientation: tuple[float, ...] = tuple(2 * math.pi * k / 40 for k in range(40))
    x: tuple[float, ...] = tuple(k / 31 for k in range(32))
    y: tuple[float, ...] = tuple(k / 31 for k in range(32))
    side: int = 32
    edges: Edges = "smooth"

    def __post_init__(self) -> None:
        _check("side", self.side in SIDES, self.side, "32 or 64")
        _check("edges", self.edges in get_args(Edges), self.edges, "smooth or binary")
        for name in self.names:
            _check(name, len(getattr(self, name)) > 0, (), "one level or more")
        for shape in self.shape:
            _check("shape", shape in SHAPES, shape, f"one of {', '.join(SHAPES)}")
        for scale in self.scale:
            _check("scale", 0 < scale <= 1, scale, "above 0, up to 1")
        for angle in self.orientation:
            _check("orientation", math.isfinite(angle), angle, "a finite number of radians")
        for name in ("x", "y"):
            for position in getattr(self, name):
                _check(name, 0 <= position <= 1, position, "between 0 and 1")

    def __len__(self) -> int:
        return math.prod(self.sizes)

    @property
    def names(self) -> tuple[str, ...]:
        """The factors, in the order of their columns."""
        return tuple(FULL_SIZES)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of levels of each factor."""
        return tuple(len(getattr(self, name)) for name in self.names)

    def factors_of(self, indices: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n 5"]:
        """Return the level of each factor of the images at `indices`, counted from 0."""
        return np.stack(np.unravel_index(indices, self.sizes), axis=1).astype(np.int64)

    def sample(self, count: int, seed: int) -> Int[np.ndarray, "n"]:
        """Return random indices of images, none twice; a smaller sample is the start of a larger.

        Raises DataError if the grid has fewer than `count` images.
        """
        if not 0 <= count <= len(self):
            raise DataError(
                f"{count:,} sprites were asked for, but the grid has {len(self):,}; ask for fewer"
            )
        # RandomState is the generator of numpy that will never produce other numbers.
        return np.random.RandomState(seed).permutation(len(self))[:count]

    def render(self, factors: Int[np.ndarray, "n 5"]) -> UInt8[np.ndarray, "n 1 side side"]:
        """Draw the images of these levels; raise DataError for a level that the grid lacks."""
        for name, size, levels in zip(self.names, self.sizes, factors.T, strict=True):
            for stray in levels[(levels < 0) | (levels >= size)][:1]:
                _check(name, False, f"level {stray}", f"a level of 0 to {size - 1}")
        images = np.zeros((len(factors), self.side, self.side), dtype=np.uint8)
        for shape, scale in np.ndindex(self.sizes[:2]):
            alike = np.flatnonzero((factors[:, 0] == shape) & (factors[:, 1] == scale))
            self._paint(images, alike, factors, self.shape[shape], self.scale[scale])
        return images[:, None]

    def _paint(
        self, images: np.ndarray, rows: np.ndarray, factors: np.ndarray, shape: str, scale: float
    ) -> None:
        """Draw the sprites of one shape and scale, each into a window of its image.

        Args:
            images: The images of all sprites; they are overwritten.
            rows: The indices of the images to draw.
            factors: The levels of all sprites.
            shape: The shape of the sprites to draw.
            scale: Their scale.
        """
        pixels = scale * self.side / FRAME
        reach = _REACH[shape] * pixels + 0.5
        samples, ramp = (
            (2, _SmoothRamp(2 * pixels)) if self.edges == "smooth" else (1, _binary_ramp)
        )
        window = np.arange(math.floor(2 * reach) + 1)
        angles = np.array(self.orientation)
        cos, sin = np.cos(angles) / pixels, np.sin(angles) / pixels
        columns, lines = self._centres(self.x), self._centres(self.y)
        for some in _chunks(rows, _SAMPLES_AT_ONCE // (samples * len(window)) ** 2 + 1):
            _, _, turn, x, y = factors[some].T
            left = np.ceil(columns[x] - reach).astype(np.int64)[:, None] + window
            top = np.ceil(lines[y] - reach).astype(np.int64)[:, None] + window
            across = _sampled(left - columns[x][:, None], samples)[:, None, :]
            down = _sampled(top - lines[y][:, None], samples)[:, :, None]
            c, s = cos[turn][:, None, None], sin[turn][:, None, None]
            u = _sum(c * across, -s * down)
            v = _sum(s * across, c * down)
            grey = _grey(_COVERAGE[shape](u, v, ramp), samples)
            images[some[:, None, None], top[:, :, None], left[:, None, :]] = grey

    def _centres(self, positions: tuple[float, ...]) -> Float[np.ndarray, "n"]:
        """Return positions in pixels; whole numbers are the centres of pixels."""
        units = FIRST_CENTRE + CENTRE_RANGE * np.array(positions)
        return (units + 0.5) * (self.side / FRAME) - 0.5


@dataclass(frozen=True)
class SpriteSet:
    """A grid and its number of training images; `sprites:OPTIONS` names one."""

    grid: SpriteGrid
    count: int = TRAIN_IMAGES

    @property
    def class_names(self) -> tuple[str, ...]:
        """The shapes, because an image's label is its shape."""
        return self.grid.shape

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return 1, self.grid.side, self.grid.side

    def split(self) -> tuple[Int[np.ndarray, "train"], Int[np.ndarray, "test"]]:
        """Return the indices of the training and of the test images, always the same.

        TEST_IMAGES images are for testing, or a sixth of a grid that is too small for them and
        `count`. No image is in both splits.
        """
        whole = len(self.grid)
        fits = whole >= self.count + TEST_IMAGES
        tested = TEST_IMAGES if fits else min(TEST_IMAGES, whole // 6)
        sampled = self.grid.sample(min(whole, tested + self.count), SPLIT_SEED)
        return sampled[tested:], sampled[:tested]

    def title(self) -> str:
        """Return a title that names the differences from plain `sprites`."""
        sizes = dict(zip(self.grid.names, self.grid.sizes, strict=True))
        changed = {n: k for n, k in sizes.items() if k != FULL_SIZES[n] and n != "shape"}
        parts = ["Sprites"]
        if sizes["shape"] < len(SHAPES):
            parts.append(" and ".join(f"{shape}s" for shape in self.grid.shape))
        parts += [f"{size} {name}" for name, size in changed.items() if size > 1]
        parts += [f"no {name}" for name, size in changed.items() if size == 1]
        parts += [f"{self.grid.side} pixels"] * (self.grid.side != SpriteGrid.side)
        parts += ["binary edges"] * (self.grid.edges == "binary")
        parts += [f"{self.count:,} images"] * (self.count != TRAIN_IMAGES)
        return ", ".join(parts)


def is_sprites(name: str) -> bool:
    """Return whether a data set's name stands for sprites; its options may still be invalid."""
    return name == SPRITES or name.startswith(SPRITES_PREFIX)


def read_sprite_set(name: str) -> SpriteSet:
    """Return the sprites of a name such as `sprites` or `sprites:orientation=1,x=16,y=16`.

    The options may have any order. A factor's option is its number of levels, which are spread
    evenly over its full range; the others are `side`, `edges` and `count`. Raises DataError for an
    option that is unknown, given twice or malformed.
    """
    options = _split_options(name)
    sizes = {n: _whole(n, options.get(n, str(size)), size) for n, size in FULL_SIZES.items()}
    side, edges = options.get("side", "32"), options.get("edges", "smooth")
    _check("side", side in map(str, SIDES), side, "32 or 64")
    _check("edges", edges in get_args(Edges), edges, "smooth or binary")
    largest = math.prod(FULL_SIZES.values())
    count = _whole("count", options.get("count", str(TRAIN_IMAGES)), largest)
    grid = SpriteGrid(
        shape=SHAPES[: sizes["shape"]],
        scale=_spread(0.5, 1.0, sizes["scale"], alone=1.0),
        orientation=tuple(
            2 * math.pi * k / sizes["orientation"] for k in range(sizes["orientation"])
        ),
        x=_spread(0.0, 1.0, sizes["x"], alone=0.5),
        y=_spread(0.0, 1.0, sizes["y"], alone=0.5),
        side=int(side),
        edges=edges,  # type: ignore[arg-type]
    )
    if len(grid) < MIN_GRID:
        raise DataError(
            f"{name} has {len(grid)} images, but at least {MIN_GRID} are needed; "
            "give a factor more levels"
        )
    return SpriteSet(grid, count)


def _split_options(name: str) -> dict[str, str]:
    known = (*FULL_SIZES, "side", "edges", "count")
    found: dict[str, str] = {}
    if name == SPRITES:
        return found
    for part in name.removeprefix(SPRITES_PREFIX).split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known:
            raise DataError(
                f"{part.strip()!r:.60} is no option of sprites; write OPTION=VALUE, "
                f"with an option of {', '.join(known)}"
            )
        if key in found:
            raise DataError(f"sprites: {key} is given twice; give it once")
        found[key] = value
    return found


def _whole(option: str, text: str, largest: int) -> int:
    is_whole = re.fullmatch(r"[0-9]{1,9}", text) is not None
    wanted = f"a whole number from 1 to {largest}"
    _check(option, is_whole and 1 <= int(text) <= largest, text, wanted)
    return int(text)


def _check(option: str, fits: bool, found: object, wanted: str) -> None:
    if not fits:
        raise DataError(f"sprites: {option} is {found!r:.60}, but it must be {wanted}")


def _spread(low: float, high: float, count: int, alone: float) -> tuple[float, ...]:
    if count == 1:
        return (alone,)
    return tuple(low + (high - low) * k / (count - 1) for k in range(count))


def _chunks(rows: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return (rows[start : start + length] for start in range(0, len(rows), length))


def _sum(first: np.ndarray, second: np.ndarray) -> Plane:
    """Return the sum in float32, which is fast and hides rounding errors of the angles."""
    return first.astype(np.float32) + second.astype(np.float32)


def _sampled(centres: Float[np.ndarray, "n window"], samples: int) -> Float[np.ndarray, "n wide"]:
    """Replace each pixel's centre by `samples` evenly spaced positions across the pixel."""
    within = (np.arange(samples) + 0.5) / samples - 0.5
    return (centres[:, :, None] + within).reshape(len(centres), -1)


def _grey(coverage: Plane, samples: int) -> UInt8[np.ndarray, "n pixels pixels"]:
    """Return each pixel as the mean of its one or 2x2 samples, from 0 to 255."""
    if samples == 2:
        coverage = coverage[:, :, ::2] + coverage[:, :, 1::2]
        coverage = coverage[:, ::2] + coverage[:, 1::2]
    return (coverage * np.float32(255 / samples**2) + np.float32(0.5)).astype(np.uint8)


class _SmoothRamp:
    """Computes the covered part of a sample from its centre's distance to a straight edge."""

    def __init__(self, samples_per_unit: float) -> None:
        self._per_unit = np.float32(samples_per_unit)

    def __call__(self, distance: Plane) -> Plane:
        distance *= -self._per_unit
        distance += np.float32(0.5)
        return np.clip(distance, 0, 1, out=distance)


def _binary_ramp(distance: Plane) -> Plane:
    return (distance <= 0).astype(np.float32)


def _square(u: Plane, v: Plane, ramp: Ramp) -> Plane:
    half = np.float32(SQUARE_HALF_SIDE)
    return ramp(np.abs(u) - half) * ramp(np.abs(v) - half)


def _ellipse(u: Plane, v: Plane, ramp: Ramp) -> Plane:
    """Return the coverage of an ellipse.

    The distance is a first-order estimate: u²/a² + v²/b² - 1, divided by its gradient's length.
    """
    a, b = (np.float32(axis) for axis in ELLIPSE_AXES)
    u, v = u / a, v / b
    level = u * u + v * v - np.float32(1)
    u, v = u / a, v / b
    return ramp(level / (2 * np.sqrt(u * u + v * v) + np.float32(1e-9)))


def _heart(u: Plane, v: Plane, ramp: Ramp) -> Plane:
    """Return the coverage of a heart: two lobes, and below their centres a body with a tip."""
    u, v = np.abs(u), v - np.float32(LOBE_Y)
    # The lobes do not overlap, so their coverages add up.
    lobes = _lobe(u - np.float32(LOBE_X), v, ramp) + _lobe(u + np.float32(LOBE_X), v, ramp)
    fallen = np.maximum(v / np.float32(BODY_HEIGHT), np.float32(1e-6))
    narrowed = np.float32(BODY_HALF_WIDTH) * fallen ** np.float32(BODY_POWER)
    slope = narrowed / fallen * np.float32(BODY_POWER / BODY_HEIGHT)
    body = ramp((u + narrowed - np.float32(BODY_HALF_WIDTH)) / np.sqrt(1 + slope * slope))
    below = ramp(-v)
    return lobes + below * np.maximum(body - lobes, 0)


def _lobe(aside: Plane, v: Plane, ramp: Ramp) -> Plane:
    return ramp(np.sqrt(aside * aside + v * v) - np.float32(LOBE_RADIUS))


_COVERAGE: dict[str, Callable[[Plane, Plane, Ramp], Plane]] = {
    "square": _square,
    "ellipse": _ellipse,
    "heart": _heart,
}
