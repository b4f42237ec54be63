"""Measures paints per second while beta is dragged: `python -m tests.benchmarks.live_beta`.

The models have random weights, which take as long to run as trained ones. One paint covers the
large image, the numbers, the bars, the curve and 10,000 codes. The tiles are painted in the rest of
each frame. A program moves the mouse. On a busy machine the mouse moves less often than the screen
shows a new frame, but every frame is painted.
"""

import time

from playwright.sync_api import Page

from tests.support.chromium import launched_chromium
from tests.support.mounted import draws, settle
from tests.support.multi_rate import Measured, multi_rate
from vae.core.config import Architecture

DRAG_SECONDS = 4.0
MODELS: tuple[tuple[str, Architecture, tuple[int, int, int], int], ...] = (
    ("mlp, 28x28, 10 dimensions", "mlp", (1, 28, 28), 10),
    ("mlp-deep, 28x28, 2 dimensions", "mlp-deep", (1, 28, 28), 2),
    ("conv, 32x32, 10 dimensions", "conv", (1, 32, 32), 10),
)


def drag(page: Page) -> tuple[float, float, float]:
    """Drag the slider to and fro; return the paints, mouse movements and tiles per second."""
    box = page.get_by_test_id("live-beta").bounding_box()
    place = lambda t: box["x"] + box["width"] * (0.05 + 0.9 * abs(t % 2 - 1))  # noqa: E731
    middle = box["y"] + box["height"] / 2
    page.mouse.move(place(0), middle)
    page.mouse.down()
    page.wait_for_timeout(300)
    first, tile, moves = draws(page), tiles(page), 0
    start = time.monotonic()
    while (now := time.monotonic() - start) < DRAG_SECONDS:
        page.mouse.move(place(now), middle)
        moves += 1
    paints, drawn = draws(page) - first, tiles(page) - tile
    seconds = time.monotonic() - start
    page.mouse.up()
    return paints / seconds, moves / seconds, drawn / seconds


def tiles(page: Page) -> int:
    """Return the number of tiles that have been painted."""
    add = "(all) => all.reduce((sum, canvas) => sum + Number(canvas.dataset.draws), 0)"
    return page.locator(".tiles canvas, .exemplars canvas").evaluate_all(add)


def main() -> None:
    """Print one line for each model."""
    with launched_chromium() as browser:
        for name, architecture, shape, latent in MODELS:
            page = browser.new_page(viewport={"width": 960, "height": 720})
            page.goto("about:blank")
            measured = Measured(multi_rate(architecture, shape, latent), 10_000, 10)
            measured.mount_assets(page)
            measured.mount(page)
            settle(page)
            paints, moves, drawn = drag(page)
            print(f"{name:32}{paints:5.1f} paints/s, {moves:5.1f} moves/s, {drawn:5.0f} tiles/s")
            page.close()


if __name__ == "__main__":
    main()
