"""What people do, end to end: a real server, a real Chromium, no network and no data set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.app_server import IDLE, PAGES, running_app, settled
from tests.support.frames import frames
from tests.support.slow import slow_except

SCREEN_SIZES = {"projector": (1280, 720), "phone": (390, 844)}


@pytest.fixture(scope="module")
def server(tmp_path_factory, small_root) -> Iterator[str]:
    """One server for all visitors."""
    with running_app(tmp_path_factory.mktemp("server"), small_root) as address:
        yield address


@pytest.fixture(scope="module")
def small_root(tmp_path_factory, train_into) -> Path:
    """A folder with one 2D model of digits."""
    root = tmp_path_factory.mktemp("models")
    train_into(root / "digits-map", 2, "mlp-deep", epochs=10, batch_size=64)
    return root


@pytest.fixture(params=slow_except(SCREEN_SIZES, ["projector"]))
def visitor(browser, server, request) -> Iterator:
    """A new visitor's page; any uncaught error in its JavaScript fails the test."""
    width, height = SCREEN_SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=width < 700, base_url=server
    )
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.mark.parametrize("path", PAGES)
def test_a_deep_link_shows_the_page_without_an_exception(visitor, path):
    visitor.goto(f"/{path}?model=digits-map")
    settled(visitor)
    assert visitor.locator(".stException").count() == 0
    assert visitor.title().endswith("Latent Explorer")
    assert "model=digits-map" in visitor.url


@pytest.mark.slow
def test_a_cold_server_answers_a_deep_link(browser, small_root, tmp_path):
    with running_app(tmp_path, small_root) as address:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/decode?model=digits-map")
        settled(page)
        page.get_by_test_id("live-decoded").wait_for()
        page.close()


def follow(page, name: str) -> None:
    """Press a page's link in the sidebar, which a phone hides."""
    opener = page.get_by_test_id("stExpandSidebarButton")
    if opener.is_visible():
        opener.click()
    page.get_by_role("link", name=name, exact=True).click()


def test_nothing_is_asked_of_other_machines(visitor, server):
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    visitor.goto("/map")
    settled(visitor)
    visitor.wait_for_selector("[data-testid='live-map']")
    foreign = [url for url in asked if not url.startswith((server, "data:", "blob:", "ws:"))]
    assert foreign == []


def test_a_place_pinned_on_the_map_is_where_the_sliders_stand(visitor):
    visitor.goto("/map")
    settled(visitor)
    canvas = visitor.get_by_test_id("live-map")
    box = canvas.bounding_box()
    visitor.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.45)
    visitor.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    visitor.wait_for_url("**z=*")
    pinned = [float(part) for part in visitor.url.split("z=")[1].split("&")[0].split("%2C")]
    follow(visitor, "Decode")
    visitor.wait_for_selector("[data-testid='live-slider-1']")
    settled(visitor)
    stand = [
        float(visitor.get_by_test_id(f"live-slider-{i}").input_value()) for i in range(len(pinned))
    ]
    assert stand == pytest.approx(pinned, abs=0.02)


def test_dragging_a_slider_decodes_without_the_server(visitor):
    sent: list[object] = []
    visitor.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    visitor.goto("/decode")
    settled(visitor)
    slider = visitor.get_by_test_id("live-slider-0")
    slider.wait_for()
    visitor.wait_for_selector("[data-testid='live-decoded'][data-draws]")
    assert sent
    sent.clear()
    before = _picture(visitor), _draws(visitor)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    visitor.mouse.move(box["x"] + box["width"] / 2, middle)
    visitor.mouse.down()
    for step in range(20):
        visitor.mouse.move(box["x"] + box["width"] * (0.5 + step / 45), middle)
        frames(visitor, 1)
    during = _picture(visitor), _draws(visitor)
    assert during[1] >= before[1] + 10
    assert during[0] != before[0]
    assert sent == []
    visitor.mouse.up()
    visitor.wait_for_url("**z=*")
    assert sent


def test_a_page_opens_right_after_keys_moved_a_slider(visitor):
    visitor.goto("/decode")
    settled(visitor)
    visitor.get_by_test_id("live-slider-0").focus()
    for _ in range(20):
        visitor.keyboard.press("ArrowRight")
    follow(visitor, "Map")
    visitor.wait_for_selector("[data-testid='live-map']")
    settled(visitor)
    assert "/map" in visitor.url
    assert visitor.get_by_role("heading", name="Map").is_visible()
    visitor.go_back()
    visitor.get_by_role("heading", name="Decode").wait_for()
    assert "/decode" in visitor.url


def test_a_model_trained_in_the_app_opens_on_the_map(visitor):
    visitor.goto("/train")
    settled(visitor)
    visitor.get_by_role("button", name="Train", exact=True).click()
    visitor.wait_for_selector(IDLE)
    if (offer := visitor.get_by_role("button", name="Open it")).is_visible():
        # The visitor before has trained the very same.
        offer.click()
    visitor.get_by_text("Test split: distortion").wait_for()
    visitor.get_by_role("link", name="Open in Map").click()
    visitor.wait_for_selector("[data-testid='live-map']")
    assert "model=digits-mlp-deep-2-beta-1-seed-0" in visitor.url


def _draws(page) -> int:
    return int(page.get_by_test_id("live-decoded").get_attribute("data-draws"))


def _picture(page) -> str:
    return page.get_by_test_id("live-decoded").evaluate("canvas => canvas.toDataURL()")


def test_what_was_chosen_survives_a_page_change_and_a_reload(visitor):
    visitor.goto("/interpolate")
    settled(visitor)
    visitor.get_by_role("radio", name="Along the data").click()
    visitor.wait_for_url("**path=data*")
    settled(visitor)
    slider = visitor.get_by_test_id("live-path")
    slider.focus()
    visitor.keyboard.press("Home")
    for _ in range(3):
        visitor.keyboard.press("PageUp")
    visitor.wait_for_url("**t=0.3*")
    place = slider.input_value()
    chosen = _choices(visitor)
    follow(visitor, "Map")
    visitor.wait_for_selector("[data-testid='live-map']")
    follow(visitor, "Interpolate")
    visitor.get_by_test_id("live-path").wait_for()
    settled(visitor)
    assert (_choices(visitor), slider.input_value()) == (chosen, place)
    visitor.reload()
    visitor.get_by_test_id("live-path").wait_for()
    settled(visitor)
    assert (_choices(visitor), slider.input_value()) == (chosen, place)
    assert visitor.get_by_role("radio", name="Along the data").is_checked()


def test_a_walk_is_kept_as_a_film_and_as_strips(visitor, tmp_path):
    visitor.goto("/interpolate")
    settled(visitor)
    for place, digit in enumerate("38"):
        choose_class(visitor, place, digit)
    sizes = {}
    for name, kind in (("Film (GIF)", "gif"), ("Strips (PNG)", "png")):
        with visitor.expect_download() as download:
            visitor.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / kind)
        assert download.value.suggested_filename == f"digits-map-linear.{kind}"
        with Image.open(tmp_path / kind) as picture:
            assert picture.format == kind.upper()
            sizes[kind] = (*picture.size, getattr(picture, "n_frames", 1))
    # Digits are 8 pixels wide: 35 times as large in the film, 14 times in each of 11 columns.
    assert sizes["gif"][:2] == (280, 280)
    assert 41 <= sizes["gif"][2] <= 81
    assert sizes["png"] == (11 * 114 - 2, 2 * 114 - 2, 1)


def choose_class(page, place: int, name: str) -> None:
    """In the first or the second of the two boxes, which a rerun may close again."""
    box = page.get_by_role("combobox", name="Class").nth(place)
    option = page.get_by_role("option", name=name, exact=True)
    box.click()
    if not option.is_visible():
        box.press("ArrowDown")
    option.click()
    page.wait_for_selector(IDLE)


def _choices(page) -> dict[str, str]:
    return dict(part.split("=") for part in page.url.split("?")[1].split("&"))
