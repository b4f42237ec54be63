"""The pad beside the map, in a blank page: what it reports, and what it survives."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.mounted import Mounted, mount, mount_blob, settle
from vae.viewer.blobs import codes_blob, decoder_blob, encoder_blob

SHAPE = (1, 8, 8)
INK = {"pen": 0.2, "box": None, "centre": "mass", "invitation": "Draw here"}
PLANE = {
    "origin": [0, 0],
    "basis": [[1, 0], [0, 1]],
    "labels": ["z0", "z1"],
    "symbols": ["z0", "z1"],
    "has_prior": True,
}
TURNED = {**PLANE, "basis": [[0, 1], [1, 0]]}


def spec(plane: dict = PLANE) -> dict:
    return {
        "codes": "codes",
        "decoder": "decoder",
        "pictures": None,
        "plane": plane,
        "colors": ["#ff0000"],
        "size": 350,
        "backdrop": "none",
        "drawing": {"ink": INK, "shape": list(SHAPE), "encoder": "encoder"},
    }


def ink_of_halves() -> nn.Sequential:
    """The codes' means are the mean ink of the left and of the right half."""
    layer = nn.Linear(64, 4)
    left = (torch.arange(64) % 8 < 4).float()
    with torch.no_grad():
        layer.weight.copy_(torch.stack([left, 1 - left, 0 * left, 0 * left]) / 32)
        layer.bias.zero_()
    return nn.Sequential(nn.Flatten(), layer)


class PadMap(Mounted):
    """A map with a pad, with the pen in the hand."""

    def mount_with(self, spec: dict, strokes: list, value: list[float] | None = None) -> None:
        """As Streamlit does on a first run, or one that changed something."""
        data = {"spec": spec, "value": value, "strokes": strokes, "tool": "draw"}
        mount(self.page, self.name, data)
        settle(self.page)

    @property
    def drawings(self) -> list[dict]:
        """What was reported as drawn."""
        return [value for state, value in self.sent if state == "drawn"]


@pytest.fixture
def pad(page) -> PadMap:
    decoder = nn.Sequential(nn.Linear(2, 64), nn.Unflatten(1, SHAPE))
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=np.float32)
    page.goto("about:blank")
    mount_blob(page, "decoder", decoder_blob(decoder, 2, SHAPE, "decoder"))
    mount_blob(page, "codes", codes_blob("codes", corners, corners - 3, np.arange(4)))
    mount_blob(page, "encoder", encoder_blob(ink_of_halves(), SHAPE, 2, "encoder"))
    live = PadMap(page, "map")
    live.mount_with(spec(), [])
    return live


def point(page, x: float, y: float) -> None:
    box = page.get_by_test_id("live-pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    settle(page)


def expected_code(drawing: dict) -> list[float]:
    image = np.array(drawing["pixels"]).reshape(8, 8) / 255
    return [image[:, :4].mean(), image[:, 4:].mean()]


def test_a_stroke_is_reported_with_its_image_and_its_code_when_the_pen_is_lifted(page, pad):
    point(page, 0.25, 0.2)
    page.mouse.down()
    point(page, 0.25, 0.8)
    assert pad.drawings == []
    page.mouse.up()
    settle(page)
    [drawing] = pad.drawings
    [stroke] = drawing["strokes"]
    assert stroke[:2] == pytest.approx([2500, 2000], abs=60)
    assert stroke[-2:] == pytest.approx([2500, 8000], abs=60)
    assert drawing["z"] == pytest.approx(expected_code(drawing), abs=1e-4)
    assert drawing["z"][0] > 0.1 > drawing["z"][1]


def test_a_pen_that_leaves_the_pad_draws_to_its_edge(page, pad):
    point(page, 0.5, 0.5)
    page.mouse.down()
    point(page, -0.5, 0.5)
    page.mouse.up()
    settle(page)
    [[stroke]] = [drawing["strokes"] for drawing in pad.drawings]
    assert stroke[-2] == 0


def test_a_stroke_goes_on_where_the_map_is_rebuilt_under_it(page, pad):
    point(page, 0.2, 0.2)
    page.mouse.down()
    point(page, 0.2, 0.5)
    pad.mount_with(spec(TURNED), [])
    point(page, 0.2, 0.8)
    page.mouse.up()
    settle(page)
    [drawing] = pad.drawings
    [stroke] = drawing["strokes"]
    assert (stroke[1], stroke[-1]) == (pytest.approx(2000, abs=60), pytest.approx(8000, abs=60))
    assert drawing["z"] == pytest.approx(expected_code(drawing), abs=1e-4)


def test_a_restored_drawing_is_shown_and_reported_only_when_it_changes(page, pad):
    pad.page.evaluate("instruments.map.end()")
    pad.mount_with(spec(), [[2000, 2000, 2000, 8000]], [0.5, -0.5])
    canvas = page.get_by_test_id("live-pad")
    assert canvas.get_attribute("data-strokes") == "1"
    assert pad.drawings == []
    page.get_by_role("button", name="Clear").click()
    settle(page)
    assert pad.drawings == [{"strokes": [], "pixels": [], "z": None}]


def test_an_echo_does_not_take_the_pad_back(page, pad):
    for x in (0.2, 0.7):
        point(page, x, 0.2)
        page.mouse.down()
        point(page, x, 0.8)
        page.mouse.up()
        settle(page)
    first = pad.drawings[0]
    pad.mount_with(spec(), first["strokes"], first["z"])
    assert page.get_by_test_id("live-pad").get_attribute("data-strokes") == "2"
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert pad.drawings[-1] == first


def test_a_second_finger_draws_nothing(page, pad):
    send = """(canvas, [type, id, x]) => {
      const {left, top, width, height} = canvas.getBoundingClientRect();
      const at = {clientX: left + x * width, clientY: top + height / 2};
      const more = {pointerId: id, buttons: Number(type !== "pointerup"), bubbles: true};
      canvas.dispatchEvent(new PointerEvent(type, {...at, ...more, composed: true}));
    }"""
    canvas = page.get_by_test_id("live-pad")
    events = [("pointerdown", 1, 0.2), ("pointerdown", 2, 0.9), ("pointermove", 2, 0.8)]
    events += [("pointermove", 1, 0.4), ("pointerup", 2, 0.8), ("pointerup", 1, 0.4)]
    for event in events:
        canvas.evaluate(send, list(event))
    settle(page)
    [drawing] = pad.drawings
    [stroke] = drawing["strokes"]
    assert max(stroke[::2]) == pytest.approx(4000, abs=60)


def test_a_pad_without_an_encoder_says_why(page, pad):
    reason = {"reason": "It knows colour images alone."}
    pad.mount_with({**spec(), "drawing": reason}, [])
    assert page.get_by_role("button", name="Draw", exact=True).is_disabled()
    assert page.get_by_title("It knows colour images alone.").count() == 1
    assert page.get_by_test_id("live-pad").count() == 0


def test_what_stands_beside_the_map_fits_into_the_window(page, pad):
    page.evaluate("document.body.style.margin = '190px 0 0 300px'")
    long = ["a name that takes several lines of a narrow column"] * 2
    pad.mount_with(spec({**PLANE, "labels": long, "symbols": long}) | {"size": None}, [])
    last = page.get_by_role("group", name="backdrop")
    for tool in ("Pointer", "Draw"):
        page.get_by_role("button", name=tool, exact=True).click()
        settle(page)
        box = last.bounding_box()
        assert 600 < box["y"] + box["height"] <= 710
