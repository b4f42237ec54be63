"""The live instruments in a blank page, with a Streamlit of the test's own."""

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from tests.support.frames import eventually, frames
from tests.support.instrument_specs import LATENT, expected_grey, map_spec, path, sliders
from tests.support.mounted import Mounted, draws, grey, mount_blob, move, settle
from vae.viewer.blobs import codes_blob, decoder_blob


@pytest.fixture
def assets(page):
    """Mounts a named decoder (its first pixel is the sigmoid of z[0]) and codes at the corners."""
    decoder = nn.Sequential(nn.Linear(LATENT, 12), nn.Unflatten(1, (1, 4, 3)))
    with torch.no_grad():
        decoder[0].weight.copy_(torch.eye(12, LATENT))
        decoder[0].bias.zero_()
    corners = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 2], [1, -1, 0]], dtype=np.float32)
    blobs = {
        "decoder": decoder_blob(decoder, LATENT, (1, 4, 3), "decoder"),
        "codes": codes_blob("codes", corners, corners - 3, np.arange(4), ["a", "b", "c", "d"]),
    }

    def mount(name: str) -> None:
        mount_blob(page, name, blobs[name])

    page.goto("about:blank")
    return mount


def test_decodes_while_dragged_and_reports_on_release(page, assets):
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    assert draws(page) == 0
    assets("decoder")
    settle(page)
    assert grey(page) == expected_grey(0)

    for value in (0.5, 1.0, 2.5):
        move(page, "live-slider-0", value)
    settle(page)
    assert grey(page) == expected_grey(2.5)
    assert live.sent == []

    move(page, "live-slider-0", 2.5, "change")
    assert live.sent == [["z", [2.5, 0, 0]]]


def test_every_frame_is_painted_while_a_hand_moves_and_none_after(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    settle(page)
    painted = """([input, canvas]) => new Promise((done) => {
      input.value = 1;
      input.dispatchEvent(new Event("input"));
      const first = Number(canvas.dataset.draws);
      let frames = 0;
      const count = () => (++frames < 5 ? requestAnimationFrame(count)
        : setTimeout(() => done([Number(canvas.dataset.draws) - first, frames])));
      requestAnimationFrame(count);
    })"""
    ends = [
        page.get_by_test_id(name).element_handle() for name in ("live-slider-0", "live-decoded")
    ]
    drawn, counted = page.evaluate(painted, ends)
    assert drawn == counted
    frames(page, 15)
    still = draws(page)
    frames(page, 6)
    assert draws(page) == still


def test_keys_report_once_after_a_pause(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    page.get_by_test_id("live-slider-0").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert live.sent == []
    eventually(page, lambda: live.sent)
    frames(page, 24)
    assert live.sent == [["z", [0.05, 0, 0]]]
    page.keyboard.press("ArrowRight")
    page.get_by_test_id("live-slider-1").focus()
    eventually(page, lambda: len(live.sent) > 1)
    frames(page, 24)
    assert live.sent[1:] == [["z", [0.06, 0, 0]]]


def test_only_news_from_python_moves_the_sliders(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    slider = page.get_by_test_id("live-slider-0")
    for value in (1, 2):
        move(page, "live-slider-0", value)
        move(page, "live-slider-0", value, "change")

    live.mount(sliders(), [1, 0, 0])
    assert slider.input_value() == "2", "a late echo took the slider back"
    live.mount(sliders(), [2, 0, 0])
    move(page, "live-slider-0", 1.5)
    live.mount(sliders(), [2, 0, 0])
    assert slider.input_value() == "1.5", "an unchanged value took the slider back"
    live.mount(sliders(), [-1, 0, 0])
    assert slider.input_value() == "-1"
    assert grey(page) == expected_grey(-1)


def test_another_model_keeps_what_was_set_by_hand(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    move(page, "live-slider-1", 2)
    live.mount({**sliders(), "size": 120}, [0, 0, 0])
    assert page.get_by_test_id("live-slider-1").input_value() == "2"
    assert page.get_by_test_id("live-decoded").count() == 1


def test_double_click_and_buttons(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [1, 1, 1])
    page.get_by_test_id("live-slider-0").dispatch_event("dblclick")
    assert live.sent[-1] == ["z", [0, 1, 1]]
    page.get_by_role("button", name="Reset").click()
    assert live.sent[-1] == ["z", [0, 0, 0]]
    page.get_by_role("button", name="Random").click()
    assert all(value != 0 for value in live.sent[-1][1])


def test_arrow_keys_move_a_slider(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    page.get_by_test_id("live-slider-0").focus()
    page.keyboard.press("ArrowRight")
    eventually(page, lambda: live.sent)
    assert live.sent == [["z", [0.01, 0, 0]]]


def test_inactive_dimensions_are_folded(page, assets):
    Mounted(page, "decode").mount(sliders(), [0, 0, 0])
    assert page.get_by_test_id("live-slider-1").is_visible()
    assert not page.get_by_test_id("live-slider-2").is_visible()


def test_traversals_show_what_each_slider_would_do(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    strip = page.locator("canvas.strip").first
    assert strip.get_attribute("width") is None
    page.get_by_role("button", name="Traversals").click()
    for _ in range(4):
        settle(page)
    ends = """(canvas) => [7, canvas.width - 21].map(
        (x) => canvas.getContext("2d").getImageData(x, 1, 1, 1).data[0])"""
    low, high = strip.evaluate(ends)
    assert low < 50 < 200 < high
    strip.click(position={"x": 60, "y": 10})
    assert live.sent[-1][1][0] != 0


def test_order_maps_sliders_to_each_models_dimensions_and_base_is_added(page, assets):
    assets("decoder")
    swapped = {"asset": "decoder", "caption": "b", "order": [1, 0], "base": [0, 2, 1]}
    Mounted(page, "decode").mount(sliders({"asset": "decoder", "caption": ""}, swapped), [1, -2, 0])
    assert [grey(page, pixel=i) for i in range(3)] == [expected_grey(z) for z in (1, -2, 0)]
    second = [grey(page, "live-decoded-1", i) for i in range(3)]
    assert second == [expected_grey(z) for z in (-2, 3, 1)]


def test_a_path_is_straight_between_its_points(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(path(), [0.0])
    for t, z in ((0.25, 1.5), (0.5, 3.0), (0.75, 0.0), (1.0, -3.0)):
        move(page, "live-path", t)
        settle(page)
        assert grey(page) == expected_grey(z)
    move(page, "live-path", 1.0, "change")
    assert live.sent == [["t", 1]]


def test_a_path_counts_from_its_span(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    control = {**path()["control"], "points": [[-3, 0, 0], [3, 0, 0]], "span": [-2, 2]}
    live.mount({**path(), "control": control}, [0.0])
    assert grey(page) == expected_grey(0)
    for t in (-2, -1, 0.5, 2):
        move(page, "live-path", t)
        settle(page)
        assert grey(page) == expected_grey(1.5 * t)
    assert page.get_by_text("+2.00").is_visible()
    move(page, "live-path", 2, "change")
    assert live.sent == [["t", 2]]


def test_a_path_plays_until_paused(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    live.mount(path(), [0.0])
    page.get_by_test_id("live-play").click()
    for _ in range(5):
        settle(page)
    page.get_by_role("button", name="Pause").click()
    assert draws(page) > 5
    frames(page, 12)
    stopped = draws(page)
    frames(page, 6)
    assert draws(page) == stopped
    assert 0 < live.sent[0][1] <= 1


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_walk_respects_reduced_motion(page, assets, motion):
    page.emulate_media(reduced_motion=motion)
    assets("decoder")
    control = {"kind": "walk", "points": [[0, 0, 0], [3, 0, 0]], "seconds": 0.2}
    Mounted(page, "decode").mount({**sliders(), "control": control})
    first = draws(page)
    for _ in range(5):
        settle(page)
    assert (draws(page) > first + 2) == (motion == "no-preference")


def test_nothing_is_left_when_an_instrument_ends(page, assets):
    assets("decoder")
    live = Mounted(page, "decode")
    control = {"kind": "walk", "points": [[0, 0, 0], [3, 0, 0]], "seconds": 0.2}
    live.mount({**sliders(), "control": control})
    page.evaluate("""() => {
      instruments.decode.end();
      window.frames = 0;
      const frame = requestAnimationFrame;
      window.requestAnimationFrame = (work) => { window.frames++; return frame(work); };
    }""")
    frames(page, 6)
    assert page.evaluate("window.frames") == 6, "the instrument asked for frames of its own"
    assert page.get_by_test_id("live-decoded").count() == 0
    page.evaluate("instruments.assetdecoder.end()")
    assert page.evaluate("library.ASSETS.size") == 0


def test_an_overtaken_clean_up_leaves_the_newer_call_alone(page, assets):
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    page.evaluate("window.earlier = instruments.decode.end")
    live.mount(sliders(), [1, 0, 0])
    page.evaluate("earlier()")
    assert page.get_by_test_id("live-slider-0").input_value() == "1"


@pytest.fixture
def live_map(page, assets):
    mounted = Mounted(page, "map")
    mounted.mount(map_spec())
    assets("codes")
    assets("decoder")
    settle(page)
    mounted.box = page.get_by_test_id("live-map").bounding_box()
    return mounted


def place(live_map, x: float, y: float) -> tuple[float, float]:
    """The page's coordinates of (x, y) on the plane: the codes span 2, shown with 16 % to spare."""
    scale = (350 - 50) / (2 * 1.16)
    box = live_map.box
    return box["x"] + 44 + 150 + x * scale, box["y"] + 6 + 150 - y * scale


def test_the_map_decodes_under_the_pointer(page, live_map):
    for x in (-1.0, 0.5):
        page.mouse.move(*place(live_map, x, 0.9))
        settle(page)
        assert grey(page, "live-map-decoded") == pytest.approx(expected_grey(x), abs=1)
    assert page.get_by_test_id("live-map-decoded").is_visible()
    assert draws(page, "live-map") > 1


def test_the_map_shows_its_codes(page, live_map):
    redness = """(canvas, [x, y]) => {
      const [red, green] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
      return red - green;
    }"""
    x, y = place(live_map, 1, 1)
    at = [round(x - live_map.box["x"]), round(y - live_map.box["y"])]
    canvas = page.get_by_test_id("live-map")
    assert canvas.evaluate(redness, at) > 200
    page.get_by_role("button", name="a", exact=True).click()
    settle(page)
    assert canvas.evaluate(redness, at) == 0


def test_a_click_pins_and_a_double_click_does_not(page, live_map):
    page.mouse.dblclick(*place(live_map, -1, 1))
    frames(page, 24)
    assert live_map.sent == []
    page.mouse.click(*place(live_map, -1, -0.9))
    eventually(page, lambda: live_map.sent)
    [[state, pin]] = live_map.sent
    assert state == "pinned"
    assert pin["index"] == 2
    assert pin["z"] == pytest.approx([-1, -0.9, 0], abs=0.01)


def test_dragging_pans_and_does_not_pin(page, live_map):
    start, end = place(live_map, 0, 0), place(live_map, 0.5, 0)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end)
    page.mouse.up()
    page.mouse.move(start[0] + 1, start[1])
    frames(page, 24)
    assert live_map.sent == []
    assert grey(page, "live-map-decoded") == pytest.approx(expected_grey(-0.5), abs=1)


def test_the_wheel_zooms_around_the_pointer(page, live_map):
    page.mouse.move(*place(live_map, 0.5, 0))
    page.mouse.wheel(0, -400)
    expected = pytest.approx(expected_grey(0.5), abs=1)
    eventually(page, lambda: grey(page, "live-map-decoded") == expected)
    page.mouse.move(*place(live_map, -0.5, 0))
    settle(page)
    assert grey(page, "live-map-decoded") > expected_grey(-0.4)


def test_arrow_keys_move_the_pin(page, live_map):
    live_map.mount(map_spec(), [0.5, 0.5, 2])
    page.get_by_test_id("live-map").focus()
    page.keyboard.press("ArrowRight")
    [[_, pin]] = live_map.sent
    assert pin["z"][0] > 0.5
    assert pin["z"][1] == pytest.approx(0.5)


def test_every_backdrop_is_drawn(page, live_map):
    pictures, canvas = set(), page.get_by_test_id("live-map")
    for name in ("None", "Manifold", "Ellipses", "Prior"):
        page.get_by_role("button", name=name).click()
        eventually(page, lambda: canvas.evaluate("(canvas) => canvas.toDataURL()") not in pictures)
        pictures.add(canvas.evaluate("(canvas) => canvas.toDataURL()"))
    assert len(pictures) == 4


def test_the_python_side_takes_numpy_and_mounts():
    def script() -> None:
        import numpy as np

        from pages.ui import instruments

        panels = [{"asset": "a", "caption": "", "order": np.arange(2), "base": np.zeros(2)}]
        slider = {"index": 0, "label": "z", "low": -3.0, "high": 3.0, "kl": 1.0, "active": True}
        instruments.mount_asset(b"LATX", "asset")
        names = {"labels": ["x", "y"], "symbols": ["x", "y"]}
        plane = {"origin": np.zeros(2), "basis": np.eye(2), **names, "has_prior": True}
        assert instruments.live_decode("decode", panels, [slider], np.zeros(2)) is None
        assert instruments.live_path("path", panels, np.zeros((3, 2))) is None
        assert instruments.live_map("map", "codes", "decoder", plane, ["#fff"], np.zeros(2)) is None
        instruments.live_walk("walk", panels, np.zeros((3, 2)))

    app = AppTest.from_function(script).run()
    assert not app.exception
