"""A person draws a digit: it moves on the map, and is where the other pages begin."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.app_server import PROJECT, running_app, settled
from tests.support.frames import eventually, frames
from vae.explorer import Explorer

ONE = [(0.56, 0.12), (0.55, 0.3), (0.53, 0.5), (0.52, 0.7), (0.5, 0.9)]
READINGS = "(root) => [...root.querySelectorAll('.reading output')].map((each) => each.textContent)"
NEAREST = "(root) => [...root.querySelectorAll('.thumbnails figcaption')].map((e) => e.textContent)"
PIXELS = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The shipped map, and a model with levels, which the server encodes with."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("mnist-map", "mnist-ladder"):
        (folder / name).symlink_to(PROJECT / "checkpoints" / name)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, root) -> Iterator[str]:
    """One server for all visitors."""
    with running_app(tmp_path_factory.mktemp("server"), root) as address:
        yield address


def visit(browser, server, **settings) -> Iterator:
    context = browser.new_context(base_url=server, **settings)
    page = context.new_page()
    page.set_default_timeout(90_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def visitor(browser, server) -> Iterator:
    """A person with a mouse; any uncaught error in the page's JavaScript fails the test."""
    yield from visit(browser, server, viewport={"width": 1280, "height": 720})


@pytest.fixture
def phone(browser, server) -> Iterator:
    """A person with a phone."""
    size = {"width": 390, "height": 844}
    yield from visit(browser, server, viewport=size, has_touch=True, is_mobile=True)


class Mouse:
    """Draws with the mouse."""

    def __init__(self, page) -> None:
        self.page = page

    def press(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y)
        self.page.mouse.down()

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y, steps=4)

    def lift(self) -> None:
        self.page.mouse.up()


class Finger:
    """Draws with real touch events."""

    def __init__(self, page) -> None:
        self.devtools = page.context.new_cdp_session(page)
        self.last = (0.0, 0.0)

    def send(self, kind: str, *points: dict) -> None:
        self.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [*points]})

    def press(self, x: float, y: float) -> None:
        self.last = (x, y)
        self.send("touchStart", {"x": x, "y": y})

    def move(self, x: float, y: float) -> None:
        steps = np.linspace(self.last, (x, y), 5)[1:]
        for left, top in steps.tolist():
            self.send("touchMove", {"x": left, "y": top})
        self.last = (x, y)

    def lift(self) -> None:
        self.send("touchEnd")


def open_pad(page, path: str = "/map?model=mnist-map") -> None:
    page.goto(path)
    settled(page)
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_test_id("live-pad").wait_for()
    page.wait_for_url("**tool=draw*")
    settled(page)


def place(page) -> list[float]:
    texts = page.locator(".live.map").evaluate(READINGS)
    return [float(text.replace("−", "-")) for text in texts]


def draw(page, hand, points, testid: str = "live-pad", lift: bool = True) -> list[list[float]]:
    """A stroke on the pad; where the map's point was, once after each part of it."""
    pad = page.get_by_test_id(testid)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    on_screen = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    hand.press(*on_screen[0])
    places = []
    for point in on_screen[1:]:
        hand.move(*point)
        frames(page, 6)
        if page.locator(".live.map").count():
            places.append(place(page))
    if lift:
        hand.lift()
    return places


def linked_place(page) -> list[float]:
    return [float(part) for part in page.url.split("z=")[1].split("&")[0].split("%2C")]


def seen(page, testid: str = "live-drawn") -> np.ndarray:
    """What the model is shown (28, 28, 1), 0 to 1."""
    data = np.array(page.get_by_test_id(testid).evaluate(PIXELS))
    return data.reshape(28, 28, 4)[..., :1] / 255


def go_to(page, name: str, testid: str) -> None:
    sidebar = page.get_by_test_id("stSidebar")
    if sidebar.bounding_box()["x"] < 0:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    page.get_by_test_id(testid).first.wait_for()
    settled(page)
    if page.viewport_size["width"] < 768:
        # The sidebar leaves the page that it was asked for.
        eventually(page, lambda: sidebar.bounding_box()["x"] < 0)


def draw_a_one_and_follow_it(page, hand, root) -> None:
    """The whole way of a drawing: during the stroke, after it, and on the other pages."""
    open_pad(page)
    before = place(page)
    assert "z=" not in page.url
    places = draw(page, hand, ONE, lift=False)
    eventually(page, lambda: place(page) != before)
    assert len({tuple(each) for each in [before, *places]}) >= 3, "the point moves with the pen"
    assert "z=" not in page.url, "nothing is told before the pen is lifted"
    hand.lift()
    page.wait_for_url("**z=*")
    settled(page)
    explorer = Explorer.open(root / "mnist-map")
    code = explorer.encode(seen(page)[None])[0][0]
    assert linked_place(page) == pytest.approx(code.tolist(), abs=2e-4)
    names = [text.split(" · ")[0] for text in page.locator(".live.map").evaluate(NEAREST)]
    assert names.count("1") > len(names) / 2

    go_to(page, "Decode", "live-slider-1")
    stand = [float(page.get_by_test_id(f"live-slider-{i}").input_value()) for i in range(2)]
    assert stand == pytest.approx(code.tolist(), abs=0.02)

    go_to(page, "Interpolate", "live-path")
    page.get_by_role("combobox", name="A", exact=True).click()
    page.get_by_role("option", name="Drawing").click()
    page.get_by_text("A · the drawing, as the model sees it").wait_for()
    settled(page)
    assert page.get_by_test_id("live-pad").get_attribute("data-strokes") == "1"
    assert "a=draw" in page.url

    go_to(page, "Map", "live-map")
    page.get_by_test_id("live-pad").wait_for()
    assert page.get_by_test_id("live-pad").get_attribute("data-strokes") == "1"
    eventually(page, lambda: place(page) == pytest.approx(code.tolist(), abs=0.01))


def test_a_one_is_drawn_with_the_mouse(visitor, root):
    draw_a_one_and_follow_it(visitor, Mouse(visitor), root)


@pytest.mark.slow
def test_a_one_is_drawn_with_a_finger(phone, root):
    draw_a_one_and_follow_it(phone, Finger(phone), root)
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_strokes_are_taken_back_and_the_pad_fits_the_screen(visitor):
    open_pad(visitor)
    pad, undo = visitor.get_by_test_id("live-pad"), visitor.get_by_role("button", name="Undo")
    assert visitor.get_by_text("Draw a digit here").is_visible()
    assert undo.is_disabled()
    bottom = visitor.locator(".live.map .nearest").bounding_box()
    assert bottom["y"] + bottom["height"] <= 720
    draw(visitor, Mouse(visitor), ONE)
    draw(visitor, Mouse(visitor), [(0.3, 0.2), (0.5, 0.1)])
    assert pad.get_attribute("data-strokes") == "2"
    assert not visitor.get_by_text("Draw a digit here").is_visible()
    two = seen(visitor)
    undo.focus()
    visitor.keyboard.press("Enter")
    assert pad.get_attribute("data-strokes") == "1"
    eventually(visitor, lambda: np.any(seen(visitor) != two))
    visitor.get_by_role("button", name="Clear").click()
    eventually(visitor, lambda: not seen(visitor).any())
    assert visitor.get_by_text("Draw a digit here").is_visible()
    settled(visitor)
    visitor.get_by_role("button", name="Pointer", exact=True).click()
    assert not pad.is_visible()


@pytest.mark.slow
def test_the_server_encodes_where_the_browser_cannot(visitor, root):
    open_pad(visitor, "/map?model=mnist-ladder")
    before = place(visitor)
    draw(visitor, Mouse(visitor), ONE, lift=False)
    eventually(visitor, lambda: place(visitor) != before)
    visitor.mouse.up()
    visitor.wait_for_url("**z=*")
    settled(visitor)
    code = Explorer.open(root / "mnist-ladder").encode(seen(visitor)[None])[0][0]
    assert linked_place(visitor) == pytest.approx(code.tolist(), abs=2e-4)


def test_b_is_drawn_on_its_own_page(visitor):
    visitor.goto("/interpolate?model=mnist-map&b=draw")
    settled(visitor)
    visitor.get_by_text("until something is drawn").wait_for()
    visitor.get_by_role("button", name="Draw", exact=True).click()
    draw(visitor, Mouse(visitor), ONE)
    assert seen(visitor).any()
    visitor.keyboard.press("Escape")
    visitor.get_by_text("B · the drawing, as the model sees it").wait_for()
    settled(visitor)
    assert visitor.get_by_test_id("live-pad").get_attribute("data-strokes") == "1"
