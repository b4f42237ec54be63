"""Measures how fast the app answers in Chromium: `python -m tests.benchmarks.live_app`.

It starts a server with the shipped checkpoints and prints:

- the time of the first load of a page on that cold server, of warm reloads and of page switches;
- the paints per second while the mouse drags for four seconds, alone and while another session
  trains a model on the server, with the number of messages that the browser sends meanwhile;
- the time until the map shows a drawing.

A program moves the mouse. On a busy machine the mouse moves less often than the screen shows a new
frame, but every frame is painted. Times are milliseconds of the browser's clock.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.support.app_server import IDLE, link_shipped_models, running_app, settled
from tests.support.chromium import launched_chromium

DRAG_SECONDS = 4.0
SWITCHES = ("Map", "Decode", "Interpolate", "Compare beta", "Lab", "Train", "Home")
INSTRUMENTS = {
    "map": "live-map",
    "decode": "live-decoded",
    "interpolate": "live-decoded",
    "compare": "live-decoded",
}

# The instruments are in shadow roots; a canvas counts only after its first paint.
WATCH = """
window.painted = (testid) => {
  const look = (root) => {
    const canvas = root.querySelector(`[data-testid="${testid}"]`);
    if (canvas) return Number(canvas.dataset.draws) > 0;
    return [...root.querySelectorAll("*")].some((node) => node.shadowRoot && look(node.shadowRoot));
  };
  return look(document);
};
window.onceTrue = (check) => new Promise((done) => {
  const look = () => (check() ? done(performance.now()) : requestAnimationFrame(look));
  look();
});
"""
SWITCH = """async ([name, title]) => {
  const links = [...document.querySelectorAll('a[data-testid="stPageLink-NavLink"]')];
  const heading = () => document.querySelector("h1")?.textContent.trim() === title;
  const idle = () => document.querySelector(".stApp").dataset.testScriptState === "notRunning";
  const start = performance.now();
  links.find((link) => link.textContent.trim().endsWith(name)).click();
  const titled = await onceTrue(heading);
  const ended = await onceTrue(idle);
  return [titled - start, ended - start];
}"""
WATCH_PEN = """(canvas) => {
  window.delays = [];
  let moved;
  window.addEventListener("pointermove", (event) => (moved ??= event.timeStamp), true);
  const painted = () => {
    if (moved !== undefined) delays.push(performance.now() - moved);
    moved = undefined;
  };
  new MutationObserver(painted).observe(canvas, { attributeFilter: ["data-draws"] });
}"""


@contextmanager
def visitor(browser: Browser, address: str):
    """Open a browser window; yield its page, and a list that grows with each message it sends."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=address)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(120_000)
    sent: list[float] = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda _: sent.append(time.monotonic())))
    yield page, sent
    context.close()


def load(page: Page, path: str) -> tuple[float, float]:
    """Return the milliseconds from the navigation to the title, and to the instrument's paint."""
    page.goto(f"/{path}", wait_until="commit")
    titled = page.evaluate("onceTrue(() => document.querySelector('h1'))")
    testid = INSTRUMENTS.get(path)
    ready = page.evaluate("(id) => onceTrue(() => painted(id))", testid) if testid else titled
    settled(page)
    return titled, ready


def switch(page: Page, name: str) -> tuple[float, float]:
    """Return the milliseconds from a click to the new title, and to the end of the page's run."""
    title = "Latent Explorer" if name == "Home" else name
    times = page.evaluate(SWITCH, [name, title])
    page.wait_for_timeout(500)
    return times


def drag_slider(page: Page, _: float) -> Callable[[float], tuple[float, float]]:
    """Return a function from the time to the mouse's position on the first slider of Decode."""
    page.goto("/decode")
    settled(page)
    box = page.locator("input[type=range][data-testid^=live-slider]").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    return lambda t: (box["x"] + box["width"] * (0.15 + 0.7 * _to_and_fro(t)), middle)


def move_over_map(page: Page, size: float) -> Callable[[float], tuple[float, float]]:
    """Return a function from the time to the mouse's position on the map.

    The mouse moves from side to side over the fraction `size` of the width, and slowly down.
    """
    page.goto("/map")
    settled(page)
    box = page.get_by_test_id("live-map").bounding_box()
    across = lambda t: box["width"] * (0.5 + size * (_to_and_fro(t) - 0.5))  # noqa: E731
    return lambda t: (box["x"] + across(t), box["y"] + box["height"] * (0.3 + 0.1 * t))


def _to_and_fro(t: float) -> float:
    return abs(t % 2 - 1)


@dataclass(frozen=True)
class Drag:
    """The measurements of one drag of DRAG_SECONDS on an instrument."""

    name: str
    paints: float
    """Paints per second."""
    moves: float
    """Movements of the mouse per second."""
    messages: int
    """Number of messages that the browser sent to the server."""


def drag(page: Page, sent: list[float], name: str, testid: str, place, pressed: bool) -> Drag:
    """Move the mouse over an instrument and count paints, movements and messages.

    Args:
        page: The page with the instrument.
        sent: The list of messages that the page has sent.
        name: The name of the drag.
        testid: The test id of the canvas whose paints are counted.
        place: A function from the time to the mouse's position.
        pressed: Whether the mouse button is held down.
    """
    canvas = page.get_by_test_id(testid)
    page.wait_for_timeout(1000)
    page.mouse.move(*place(0))
    if pressed:
        page.mouse.down()
    page.wait_for_timeout(300)
    sent.clear()
    moves, first = 0, int(canvas.get_attribute("data-draws"))
    start = time.monotonic()
    while (now := time.monotonic() - start) < DRAG_SECONDS:
        page.mouse.move(*place(now))
        moves += 1
    paints = int(canvas.get_attribute("data-draws")) - first
    seconds, messages = time.monotonic() - start, len(sent)
    page.mouse.up()
    return Drag(name, paints / seconds, moves / seconds, messages)


def all_drags(page: Page, sent: list[float]) -> list[Drag]:
    """Drag a slider of Decode, move the pointer over the map, and drag the map."""
    drags = (
        ("Decode, a slider dragged", "live-decoded", drag_slider, 0.7, True),
        ("Map, the pointer over it: preview", "live-map-decoded", move_over_map, 0.7, False),
        ("Map, the pointer over it: map", "live-map", move_over_map, 0.7, False),
        ("Map, dragged", "live-map", move_over_map, 0.3, True),
    )
    return [
        drag(page, sent, name, testid, start(page, size), pressed)
        for name, testid, start, size, pressed in drags
    ]


def print_drags(page: Page, sent: list[float], when: str) -> None:
    """Print one line for each drag."""
    for found in all_drags(page, sent):
        print(
            f"{found.name:36}{when:26}{found.paints:5.1f} paints/s, {found.moves:5.1f} moves/s, "
            f"{found.messages} messages to the server"
        )


def print_drawing(page: Page, model: str) -> None:
    """Print the milliseconds from a movement of the pen to the new point on the map."""
    page.goto(f"/map?model={model}&tool=draw")
    settled(page)
    canvas, pad = page.get_by_test_id("live-map"), page.get_by_test_id("live-pad")
    page.wait_for_timeout(1000)
    canvas.evaluate(WATCH_PEN)
    box = pad.bounding_box()
    middle = [box[start] + box[length] / 2 for start, length in (("x", "width"), ("y", "height"))]
    page.mouse.move(middle[0] + box["width"] * 0.4, middle[1])
    page.mouse.down()
    start = time.monotonic()
    while (now := time.monotonic() - start) < DRAG_SECONDS:
        reach, angle = box["width"] * (0.4 - 0.08 * now), 3 * now
        across, down = reach * math.cos(angle), reach * math.sin(angle)
        page.mouse.move(middle[0] + across, middle[1] + down)
    delays = page.evaluate("delays")
    page.mouse.up()
    typical, late = statistics.median(delays), statistics.quantiles(delays, n=20)[-1]
    print(
        f"Draw, {model:30} pen to painted point: median {typical:.1f} ms, p95 {late:.1f} ms, "
        f"{len(delays) / DRAG_SECONDS:.0f} a second"
    )


def print_loads(page: Page, repeats: int) -> None:
    """Print the times of warm reloads."""
    print(f"\n{'warm reload':24}{'title':>12}{'instrument':>12}   ms, median of {repeats}")
    for path in ("", *INSTRUMENTS):
        times = [load(page, path) for _ in range(repeats)]
        titled, ready = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"/{path:23}{titled:12.0f}{ready:12.0f}")


def print_switches(page: Page, repeats: int, when: str) -> None:
    """Print the times of page switches, without the first round, which fills the caches."""
    page.goto("/")
    settled(page)
    times = [[switch(page, name) for name in SWITCHES] for _ in range(repeats + 1)][1:]
    print(f"\n{f'page switch, {when}':40}{'title':>12}{'run ended':>12}   ms, median of {repeats}")
    for index, name in enumerate(SWITCHES):
        titled, ended = (
            statistics.median(column) for column in zip(*(row[index] for row in times), strict=True)
        )
        print(f"{name:40}{titled:12.0f}{ended:12.0f}")


def start_training(page: Page) -> None:
    """Start the training of a model of the digits that takes longer than the drags."""
    page.goto("/train")
    settled(page)
    page.get_by_text("More settings").click()
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("1000")
    epochs.press("Tab")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("epoch 1").first.wait_for()


def main() -> None:
    """Start a server and a browser, and print all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data-dir", help="folder of the data sets; by default there are none")
    arguments = parser.parse_args()
    settings = {"LATENT_DATA_DIR": arguments.data_dir} if arguments.data_dir else {}
    with tempfile.TemporaryDirectory() as folder, launched_chromium() as browser:
        runs = Path(folder) / "runs"
        link_shipped_models(runs)
        with running_app(Path(folder), runs, **settings) as address:
            measure(browser, address, arguments.repeats)


def measure(browser: Browser, address: str, repeats: int) -> None:
    """Print all measurements of one server."""
    with visitor(browser, address) as (page, sent):
        titled, ready = load(page, "map")
        print(f"cold server: title of Map after {titled:.0f} ms, its first paint {ready:.0f} ms")
        print_loads(page, repeats)
        print_switches(page, repeats, "alone")
        print()
        print_drags(page, sent, "alone")
        for model in ("mnist-map", "mnist-best"):
            print_drawing(page, model)
        with visitor(browser, address) as (other, _):
            start_training(other)
            print_switches(page, repeats, "beside a training session")
            print()
            print_drags(page, sent, "beside a training session")
            assert other.get_by_text("Stop and keep it").count(), "the training ended too early"
            other.get_by_text("Stop and keep it").click()
            other.wait_for_selector(IDLE)


if __name__ == "__main__":
    main()
