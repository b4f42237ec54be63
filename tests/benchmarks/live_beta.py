"""Paints per second in Chromium while beta is dragged: `python -m tests.benchmarks.live_beta`.

The models are random, which costs what trained ones cost. A main paint is the large picture, the
figures, the bars, the curve and 10,000 codes; the tiles follow in what is left of each frame. The
mouse is a program's: on a busy machine it moves more rarely than there are frames, which are
painted all the same.
"""

import time

from playwright.sync_api import Page, sync_playwright

from tests.support.chromium import FLAGS, chromium_path
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
    """Paints, moves of the mouse and tiles per second, to and fro along the slider."""
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
    """How many small pictures have been painted."""
    add = "(all) => all.reduce((sum, canvas) => sum + Number(canvas.dataset.draws), 0)"
    return page.locator(".tiles canvas, .exemplars canvas").evaluate_all(add)


def main() -> None:
    """Print one line for each model."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
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
        browser.close()


if __name__ == "__main__":
    main()
