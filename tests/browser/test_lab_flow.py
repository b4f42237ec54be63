"""What people do in the Lab, on the models that ship, without any data set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.ui.layout import LAB, SCREENS
from tests.support.app_server import running_app, settled
from tests.support.frames import eventually
from tests.support.slow import slow_except

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
PATHS = [Path(screen.file).stem for screen in SCREENS if screen.group == LAB]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """One server over the models that ship."""
    with running_app(tmp_path_factory.mktemp("server"), CHECKPOINTS) as address:
        yield address


@pytest.fixture
def visitor(browser, server) -> Iterator:
    """A new visitor's page; any uncaught error in its JavaScript fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=server)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.mark.parametrize("path", slow_except(PATHS, ["lab", "generate"]))
def test_every_page_opens_and_fits_a_phone(visitor, path):
    visitor.set_viewport_size({"width": 390, "height": 844})
    visitor.goto(f"/{path}")
    settled(visitor)
    assert visitor.locator(".stException").count() == 0
    wide = visitor.evaluate(
        "(main => main.scrollWidth - main.clientWidth)(document.querySelector('.stMain'))"
    )
    assert wide <= 1


def test_one_code_moves_as_every_class_without_the_server(visitor):
    sent: list[object] = []
    visitor.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    visitor.goto("/kinds?kind=conditional")
    settled(visitor)
    visitor.wait_for_selector("[data-testid='live-decoded-9'][data-draws]")
    before = [_picture(visitor, place) for place in range(10)]
    assert len(set(before)) == 10
    sent.clear()
    box = visitor.get_by_test_id("live-slider-0").bounding_box()
    middle = box["y"] + box["height"] / 2
    visitor.mouse.move(box["x"] + box["width"] / 2, middle)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
    eventually(
        visitor, lambda: all(_picture(visitor, place) != before[place] for place in range(10))
    )
    assert sent == []
    visitor.mouse.up()
    visitor.wait_for_url("**z=*")


def _picture(page, place: int) -> str:
    testid = "live-decoded" if place == 0 else f"live-decoded-{place}"
    return page.get_by_test_id(testid).evaluate("canvas => canvas.toDataURL()")


def test_a_direction_is_added_without_the_server_and_kept_in_the_link(visitor):
    sent: list[object] = []
    visitor.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    visitor.goto("/attributes?model=mnist-beta-1&attribute=width")
    settled(visitor)
    visitor.wait_for_selector("[data-testid='live-decoded'][data-draws]")
    slider = visitor.get_by_test_id("live-path")
    before, box = _picture(visitor, 0), slider.bounding_box()
    sent.clear()
    middle = box["y"] + box["height"] / 2
    visitor.mouse.move(box["x"] + box["width"] / 2, middle)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
    eventually(visitor, lambda: _picture(visitor, 0) != before)
    assert sent == []
    visitor.mouse.up()
    visitor.wait_for_url("**by=*")
    assert float(slider.input_value()) == pytest.approx(1, abs=0.1)


def test_a_loop_on_the_map_is_a_group(visitor):
    visitor.goto("/attributes?model=mnist-map&attribute=lasso")
    settled(visitor)
    box = visitor.locator(".nsewdrag").first.bounding_box()
    left, top, width, height = (box[name] for name in ("x", "y", "width", "height"))
    corners = ((0.2, 0.1), (0.5, 0.1), (0.5, 0.9), (0.2, 0.9), (0.2, 0.12))
    places = [(left + across * width, top + down * height) for across, down in corners]
    visitor.mouse.move(*places[0])
    visitor.mouse.down()
    for place in places[1:]:
        visitor.mouse.move(*place, steps=8)
    visitor.mouse.up()
    visitor.get_by_text("images in your group").wait_for()
    visitor.get_by_test_id("live-path").wait_for()
