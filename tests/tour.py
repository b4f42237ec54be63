"""Records the moving picture of the README: `python -m tests.tour`.

The script starts the app, and plays three scenes in Chromium: it draws a digit on the Map, drags a
slider on Decode, and drags beta on Compare beta. It takes a screenshot after each move of the mouse
and writes them as one GIF with one palette. `LATENT_DATA_DIR` names the folder that holds MNIST.
"""

import argparse
import io
import itertools
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

from tests.support.app_server import PROJECT, running_app, settled
from tests.support.chromium import FLAGS, chromium_path

TARGET = PROJECT / ".github" / "tour.gif"
VIEWPORT = {"width": 1280, "height": 800}
CROP_SIZE = (940, 588)
SIZE = (640, 400)
COLOURS = 64
FRAMES_PER_SECOND = 8
REST_FRAMES = 4
"""Frames that show the result of a scene before the next one begins."""

POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))
"""Corners of an arrow, in pixels from its tip; screenshots show no pointer of their own."""

DIGIT = (
    (0.34, 0.26),
    (0.5, 0.16),
    (0.66, 0.28),
    (0.5, 0.47),
    (0.68, 0.64),
    (0.52, 0.84),
    (0.32, 0.74),
)
"""Corners of a three, as shares of the pad's sides."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A page, the part of it that the picture shows, and the path of the pressed mouse."""

    address: str
    top: int
    """Upper edge of the crop, in pixels."""

    path: Callable[[Page], list[Point]]


def digit_path(page: Page) -> list[Point]:
    """Returns the points of a digit on the pad of the Map."""
    box = bounds(page, "live-pad")
    corners = [(box[0] + box[2] * x, box[1] + box[3] * y) for x, y in DIGIT]
    return along(corners, steps=3)


def slider_path(page: Page) -> list[Point]:
    """Returns points along the first slider of Decode, to the right end and to the left end."""
    x, y, width, height = bounds(page, page_slider(page, 0))
    return to_and_fro(x, y + height / 2, width, start=0.78, low=0.06, high=0.94)


def beta_path(page: Page) -> list[Point]:
    """Returns points along the slider of beta, up to 10 and down to 0.1."""
    x, y, width, height = bounds(page, "live-beta")
    return to_and_fro(x, y + height / 2, width, start=0.5, low=0.02, high=0.98)


SCENES = (
    Scene("map?model=mnist-map&tool=draw", 104, digit_path),
    Scene("decode?model=mnist-best", 156, slider_path),
    Scene("compare", 106, beta_path),
)


def page_slider(page: Page, index: int) -> str:
    """Returns the test id of a slider of Decode, counted from the largest rate."""
    sliders = page.locator("input[type=range][data-testid^=live-slider]")
    found = sliders.nth(index).get_attribute("data-testid")
    assert found is not None
    return found


def bounds(page: Page, testid: str) -> tuple[float, float, float, float]:
    """Returns the left edge, the upper edge, the width and the height of an element."""
    box = page.get_by_test_id(testid).bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def along(corners: list[Point], steps: int) -> list[Point]:
    """Returns points that walk from corner to corner in straight lines."""
    walked = [corners[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        shares = [(step + 1) / steps for step in range(steps)]
        walked += [(x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in shares]
    return walked


def to_and_fro(
    left: float, y: float, width: float, *, start: float, low: float, high: float
) -> list[Point]:
    """Returns points of a swing from `start` to `high`, to `low` and back, as shares of a width.

    Args:
        left: Left edge of the slider, in pixels.
        y: Height of the mouse, in pixels.
        width: Width of the slider, in pixels.
        start: Share at which the swing starts and ends.
        low: Smallest share.
        high: Largest share.
    """
    stops = [start, high, low, start]
    shares: list[float] = [start]
    for begin, end in itertools.pairwise(stops):
        count = max(2, round(9 * abs(end - begin)))
        eased = [(1 - math.cos(math.pi * (k + 1) / count)) / 2 for k in range(count)]
        shares += [begin + (end - begin) * share for share in eased]
    return [(left + width * share, y) for share in shares]


def play(page: Page, scene: Scene) -> Iterator[Image.Image]:
    """Yields a frame after each move of the mouse."""
    page.goto(f"/{scene.address}")
    settled(page)
    page.wait_for_timeout(2000)
    path = scene.path(page)
    page.mouse.move(*path[0])
    yield frame(page, scene.top, path[0])
    page.mouse.down()
    for point in path[1:]:
        page.mouse.move(*point)
        page.wait_for_timeout(60)
        yield frame(page, scene.top, point)
    page.mouse.up()
    page.wait_for_timeout(500)
    for _ in range(REST_FRAMES):
        yield frame(page, scene.top, path[-1])


def frame(page: Page, top: int, pointer: Point) -> Image.Image:
    """Returns a screenshot with a pointer, cropped and made smaller."""
    left = 312
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    corners = [(pointer[0] + x, pointer[1] + y) for x, y in POINTER]
    ImageDraw.Draw(picture).polygon(corners, fill="black", outline="white")
    width, height = CROP_SIZE
    cropped = picture.crop((left, top, left + width, top + height))
    return cropped.resize(SIZE, Image.Resampling.LANCZOS)


def write_gif(frames: list[Image.Image], target: Path) -> None:
    """Writes frames as an endless GIF; the palette is that of a sample of all frames."""
    sample = frames[:: max(1, len(frames) // 12)]
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] * len(sample)))
    for row, each in enumerate(sample):
        sheet.paste(each, (0, row * SIZE[1]))
    palette = sheet.quantize(COLOURS, Image.Quantize.MEDIANCUT)
    first, *others = (each.quantize(palette=palette, dither=Image.Dither.NONE) for each in frames)
    duration = 1000 // FRAMES_PER_SECOND
    first.save(
        target, save_all=True, append_images=others, duration=duration, loop=0, optimize=True
    )


def record() -> list[Image.Image]:
    """Returns the frames of all scenes."""
    data = {"LATENT_DATA_DIR": os.environ["LATENT_DATA_DIR"]}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder), PROJECT / "checkpoints", **data) as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = browser.new_context(viewport=VIEWPORT, base_url=address).new_page()
        page.set_default_timeout(120_000)
        frames = [each for scene in SCENES for each in play(page, scene)]
        browser.close()
        return frames


def main() -> None:
    """Records the scenes and prints the number of frames and the size of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    target = parser.parse_args().out
    frames = record()
    write_gif(frames, target)
    print(f"{target}: {len(frames)} frames, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
