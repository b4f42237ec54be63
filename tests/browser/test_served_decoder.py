"""Instruments whose decoder runs on the server, in a blank page with a server of the test's own."""

import numpy as np
import pytest
import torch
from torch import nn

from pages.ui.server_decode import BATCH, ServedDecoder, pack_description, read_request
from tests.support.instrument_specs import LATENT, expected_grey, map_spec, path, sliders
from tests.support.mounted import Mounted, draws, grey, mount, mount_blob, move, settle
from vae.viewer.blobs import codes_blob, decoder_blob, frames_blob

REASON = "The browser cannot run it."
PATIENCE = 3000
SHAPE = (1, 4, 3)

# As Streamlit does, gather what is set within a task; here with the name of who set it.
FLUSHES = """() => {
  window.flushes = [];
  let gathered;
  const record = (name) => (state, value) => {
    instruments[name].sent.push([state, value]);
    if (gathered) return gathered.push(name);
    gathered = [name];
    setTimeout(() => { flushes.push(gathered); gathered = undefined; });
  };
  for (const name of ["served", "decode"]) {
    const mount = modules[name];
    modules[name] = (given) => mount({...given, setStateValue: record(name)});
  }
}"""
RELEASE = """(input) => {
  const mount = modules.served;
  modules.served = (given) => {
    const end = mount(given);
    input.dispatchEvent(new Event("change"));
    return end;
  };
}"""
TIME = """() => {
  const look = (root) => root.querySelector(".time") ?? [...root.querySelectorAll("*")]
    .map((node) => node.shadowRoot && look(node.shadowRoot)).find(Boolean);
  const { textContent, title } = look(document);
  return [textContent, title];
}"""


def decoder() -> nn.Sequential:
    """Pixel i is the sigmoid of z[i]; the other pixels are grey."""
    made = nn.Sequential(nn.Linear(LATENT, 12), nn.Unflatten(1, SHAPE))
    with torch.no_grad():
        made[0].weight.copy_(torch.eye(12, LATENT))
        made[0].bias.zero_()
    return made


def decode(codes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        images = torch.sigmoid(decoder()(torch.from_numpy(codes)))
    return images.numpy().transpose(0, 2, 3, 1)


class Server:
    """What answers in place of Python, when the test says so."""

    def __init__(self, page, exchange: str = "") -> None:
        self.page = page
        self.exchange = exchange
        self.decoders: dict[str, ServedDecoder] = {}

    def mount(self, name: str) -> None:
        """A decoder, and the component that carries requests for all of them."""
        self.describe(name)
        self.reply(0)

    def describe(self, name: str) -> None:
        self.decoders[name] = ServedDecoder(name, LATENT, SHAPE, REASON, decode)
        mount_blob(self.page, name, pack_description(self.decoders[name], self.exchange))

    def reply(self, number: int, *frames: np.ndarray) -> None:
        """An answer with this number."""
        mount(self.page, "served", self.exchange, frames_blob(self.exchange, number, frames))

    def answer(self) -> None:
        """The answer to the last request."""
        request = read_request(self.asked[-1], self.decoders)
        assert request.asks
        self.reply(request.number, *(made.decode(codes) for made, codes in request.asks))

    def answer_all(self) -> None:
        """Answers until nothing is asked any more."""
        answered = 0
        while (last := self.asked[-1]["number"]) != answered:
            self.answer()
            settle(self.page)
            answered = last

    @property
    def asked(self) -> list[dict]:
        """Every request so far."""
        sent = self.page.evaluate(f"instruments.served{self.exchange}.sent")
        assert all(state == "asked" for state, _ in sent)
        return [value for _, value in sent]

    @property
    def codes(self) -> list[list[list[float]]]:
        """The codes of every request so far, all its decoders' together."""
        return [[code for ask in asked["asks"] for code in ask["codes"]] for asked in self.asked]


@pytest.fixture
def server(page) -> Server:
    """A server with the one decoder that the specifications name."""
    page.goto("about:blank")
    made = Server(page)
    made.mount("decoder")
    return made


@pytest.fixture
def live(page, server) -> Mounted:
    """Three sliders at zero, whose first picture has been answered."""
    mounted = Mounted(page, "decode")
    mounted.mount(sliders(), [0, 0, 0])
    server.answer()
    return mounted


def test_the_picture_is_painted_when_the_answer_comes(page, server):
    live = Mounted(page, "decode")
    live.mount(sliders(), [1, 0, 0])
    assert server.codes == [[[1, 0, 0]]]
    assert draws(page) == 0
    server.answer()
    assert draws(page) == 1
    assert grey(page) == expected_grey(1)


@pytest.mark.parametrize("z", [[0, 0, 0], [1.37, -0.5, 2.999], [-3, 3, 0.01], [-0.123, 0, 1.5]])
def test_both_paths_show_the_same_picture(page, server, z):
    blob = decoder_blob(decoder(), LATENT, SHAPE, "here")
    mount_blob(page, "here", blob)
    panels = [{"asset": name, "caption": name} for name in ("here", "decoder")]
    Mounted(page, "decode").mount(sliders(*panels), z)
    server.answer()
    here, there = (
        page.get_by_test_id(testid).evaluate(
            "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 3, 4).data]"
        )
        for testid in ("live-decoded", "live-decoded-1")
    )
    assert len(set(here)) > 1
    assert np.abs(np.subtract(here, there)).max() <= 1


def test_one_request_is_under_way_and_the_newest_wins(page, server, live):
    before = len(server.asked)
    for value in (0.5, 1, 1.5, 2, 2.5):
        move(page, "live-slider-0", value)
        settle(page)
    assert server.codes[before:] == [[[0.5, 0, 0]]]
    server.answer()
    assert grey(page) == expected_grey(0.5), "the picture follows while the hand moves on"
    assert server.codes[before:] == [[[0.5, 0, 0]], [[2.5, 0, 0]]]
    server.answer()
    assert grey(page) == expected_grey(2.5)
    assert len(server.asked) == before + 2


def test_the_last_place_is_shown_after_the_release(page, server, live):
    for value in (1, 2, -1.25):
        move(page, "live-slider-0", value)
        settle(page)
    move(page, "live-slider-0", -1.25, "change")
    settle(page)
    assert live.sent == [["z", [-1.25, 0, 0]]]
    server.answer_all()
    assert grey(page) == expected_grey(-1.25)
    move(page, "live-slider-0", -1.25, "change")
    settle(page)
    assert server.codes[-1] == [[-1.25, 0, 0]]
    assert server.codes.count([[-1.25, 0, 0]]) == 1, "a picture that stands there is asked again"


def test_panels_share_a_request(page, server):
    server.mount("other")
    other = {"asset": "other", "caption": "b", "order": [1, 0], "base": [0, 2, 1]}
    Mounted(page, "decode").mount(sliders({"asset": "decoder", "caption": ""}, other), [1, -2, 0])
    [request] = server.asked
    assert [ask["decoder"] for ask in request["asks"]] == ["decoder", "other"]
    assert server.codes == [[[1, -2, 0], [-2, 3, 1]]]
    server.answer()
    assert [grey(page, pixel=i) for i in range(3)] == [expected_grey(z) for z in (1, -2, 0)]
    second = [grey(page, "live-decoded-1", i) for i in range(3)]
    assert second == [expected_grey(z) for z in (-2, 3, 1)]


def test_a_picture_goes_before_the_traversals(page, server, live):
    page.get_by_role("button", name="Traversals").click()
    settle(page)
    first = server.codes[-1]
    assert 1 < len(first) <= BATCH
    move(page, "live-slider-0", 2)
    settle(page)
    server.answer()
    assert server.codes[-1] == [[2, 0, 0]]
    server.answer()
    assert len(server.codes[-1]) > 1
    server.answer_all()
    tiles = """(canvas) => [7, canvas.width - 21].map(
        (x) => canvas.getContext("2d").getImageData(x, 1, 1, 1).data[0])"""
    low, high = page.locator("canvas.strip").first.evaluate(tiles)
    assert low < 50 < 200 < high
    assert max(len(codes) for codes in server.codes) <= BATCH


def test_a_lost_answer_is_asked_for_again(page):
    page.clock.install()
    page.goto("about:blank")
    server = Server(page)
    server.mount("decoder")
    Mounted(page, "decode").mount(sliders(), [0, 0, 0])
    page.clock.fast_forward(PATIENCE / 2)
    assert server.codes == [[[0, 0, 0]]]
    page.clock.fast_forward(PATIENCE)
    assert server.codes == [[[0, 0, 0]], [[0, 0, 0]]]

    move(page, "live-slider-0", 2)
    page.clock.fast_forward(1.5 * PATIENCE)
    assert len(server.asked) == 2, "a server that may be slow is given more time"
    page.clock.fast_forward(PATIENCE)
    assert server.codes[2:] == [[[2, 0, 0]]], "the place is asked for that the hand left since"
    server.answer()
    assert grey(page) == expected_grey(2)
    page.clock.fast_forward(4 * PATIENCE)
    assert len(server.asked) == 3


def test_an_answer_to_something_else_is_left_alone(page, server, live):
    before, painted = len(server.asked), draws(page)
    move(page, "live-slider-0", 1)
    settle(page)
    for number in (0, server.asked[-1]["number"] - 1):
        server.reply(number, decode(np.full((1, LATENT), 9, np.float32)))
    assert draws(page) == painted
    assert len(server.asked) == before + 1
    server.answer()
    assert grey(page) == expected_grey(1)


def test_a_component_that_is_mounted_anew_goes_on(page, server, live):
    move(page, "live-slider-0", 1)
    settle(page)
    before = len(server.asked)
    page.evaluate("instruments.served.end()")
    move(page, "live-slider-0", 2)
    settle(page)
    assert len(server.asked) == before
    server.reply(0)
    assert server.codes[before:] == [[[2, 0, 0]]]
    server.answer()
    assert grey(page) == expected_grey(2)
    assert len(server.asked) == before + 1


def test_another_pages_decoders_need_not_wait(page, server, live):
    move(page, "live-slider-0", 1)
    settle(page)
    page.evaluate("instruments.served.end()")
    page.evaluate("instruments.decode.end()")
    other = Server(page, "Other")
    other.mount("elsewhere")
    Mounted(page, "decode").mount(sliders({"asset": "elsewhere", "caption": ""}), [2, 0, 0])
    assert other.codes == [[[2, 0, 0]]]
    other.answer()
    assert grey(page) == expected_grey(2)


def test_a_component_that_stays_away_has_the_page_drawn_anew(page):
    page.clock.install()
    page.goto("about:blank")
    server = Server(page)
    server.mount("decoder")
    Mounted(page, "decode").mount(sliders(), [0, 0, 0])
    server.answer()
    page.evaluate("instruments.served.end()")
    page.clock.fast_forward(2 * PATIENCE)
    anew = "instruments.assetdecoder.sent.map(([state]) => state)"
    assert page.evaluate(anew) == [], "nobody waits"
    move(page, "live-slider-0", 1)
    settle(page)
    assert page.evaluate(anew) == []
    page.clock.fast_forward(PATIENCE + 100)
    assert page.evaluate(anew) == ["anew"]
    server.reply(0)
    server.answer()
    assert grey(page) == expected_grey(1)
    page.clock.fast_forward(10 * PATIENCE)
    assert page.evaluate(anew) == ["anew"]


def test_a_page_that_was_left_is_not_drawn_anew(page):
    page.clock.install()
    page.goto("about:blank")
    server = Server(page)
    server.mount("decoder")
    Mounted(page, "decode").mount(sliders(), [0, 0, 0])
    page.evaluate("instruments.served.end()")
    page.evaluate("instruments.decode.end()")
    page.clock.fast_forward(2 * PATIENCE)
    assert page.evaluate("instruments.assetdecoder.sent") == []


def test_an_overtaken_clean_up_leaves_the_channel_alone(page, server, live):
    page.evaluate("window.earlier = instruments.served.end")
    server.reply(0)
    page.evaluate("earlier()")
    move(page, "live-slider-0", 1)
    settle(page)
    server.answer()
    assert grey(page) == expected_grey(1)


def test_a_refusal_does_not_hold_up_what_follows(page, server, live):
    move(page, "live-slider-0", 1)
    settle(page)
    painted = draws(page)
    server.reply(server.asked[-1]["number"])
    assert draws(page) == painted
    move(page, "live-slider-0", 2)
    settle(page)
    server.answer()
    assert grey(page) == expected_grey(2)


def test_the_component_may_be_there_before_what_reads_its_letters(page):
    page.goto("about:blank")
    server = Server(page)
    server.reply(0)
    Mounted(page, "decode").mount(sliders(), [1, 0, 0])
    server.describe("decoder")
    settle(page)
    server.answer()
    assert grey(page) == expected_grey(1)


def test_each_value_is_set_in_a_task_of_its_own(page, server, live):
    page.evaluate(FLUSHES)
    live.mount(sliders(), [0, 0, 0])
    for value in (1, 2):
        move(page, "live-slider-0", value)
        settle(page)
    # With the answer the next request leaves; the slider is released in the same task.
    page.evaluate(RELEASE, page.get_by_test_id("live-slider-0").element_handle())
    server.answer()
    settle(page)
    assert page.evaluate("flushes") == [["served"], ["decode"]]


def test_it_says_where_it_runs_and_how_long_that_takes(page, server):
    live = Mounted(page, "decode")
    live.mount(sliders(), [0, 0, 0])
    assert page.evaluate(TIME) == ["on the server", REASON]
    server.answer()
    for step in range(30):
        move(page, "live-slider-0", 2.9 - step / 10)
        settle(page)
        server.answer()
    assert draws(page) == 31
    place, time = page.evaluate(TIME)[0].split(" · ")
    assert place == "on the server"
    assert 1 <= int(time.removesuffix(" ms")) < 1000


def slow_path(seconds: float) -> dict:
    spec = path()
    return {**spec, "control": {**spec["control"], "seconds": seconds}}


def test_playing_asks_ahead_of_time(page, server):
    live = Mounted(page, "decode")
    live.mount(slow_path(20), [0.0])
    server.answer()
    painted, answered = draws(page), 1
    page.get_by_test_id("live-play").click()
    for _ in range(60):
        settle(page)
        if server.asked[-1]["number"] != answered:
            server.answer()
            answered = server.asked[-1]["number"]
    assert draws(page) - painted > 5 * (answered - 1) > 0
    page.get_by_role("button", name="Pause").click()
    settle(page)
    server.answer_all()
    [[_, t]] = live.sent
    assert grey(page) == pytest.approx(expected_grey(6 * t), abs=1)


def test_a_path_that_plays_turns_round_at_its_end(page, server):
    Mounted(page, "decode").mount(slow_path(1), [0.9])
    server.answer()
    page.get_by_test_id("live-play").click()
    settle(page)
    ahead = [code[0] for code in server.codes[-1]]
    turn = ahead.index(min(ahead))
    assert -3 <= ahead[turn] < -2.5
    assert ahead[0] < -1.8
    assert ahead[: turn + 1] == sorted(ahead[: turn + 1], reverse=True)
    assert ahead[turn : turn + 8] == sorted(ahead[turn : turn + 8])


def test_what_was_asked_ahead_is_dropped_where_the_hand_goes_elsewhere(page, server):
    Mounted(page, "decode").mount(slow_path(20), [0.0])
    server.answer()
    page.get_by_test_id("live-play").click()
    settle(page)
    server.answer()
    page.get_by_role("button", name="Pause").click()
    move(page, "live-path", 0.75)
    settle(page)
    server.answer_all()
    assert grey(page) == expected_grey(0)
    painted = draws(page)
    page.get_by_test_id("live-play").click()
    for _ in range(10):
        settle(page)
    assert draws(page) == painted


def test_the_map_previews_and_draws_its_manifold(page, server):
    corners = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 2], [1, -1, 0]], dtype=np.float32)
    mount_blob(page, "codes", codes_blob("codes", corners))
    Mounted(page, "map").mount(map_spec())
    server.answer_all()
    middle = page.get_by_test_id("live-map").bounding_box()
    page.mouse.move(middle["x"] + middle["width"] * 0.6, middle["y"] + middle["height"] * 0.4)
    settle(page)
    server.answer_all()
    previewed = [code[0] for codes in server.codes for code in codes if abs(code[0]) != 1]
    x = previewed[-1]
    assert x > 0
    assert grey(page, "live-map-decoded") == expected_grey(x)
    before = page.get_by_test_id("live-map").evaluate("(canvas) => canvas.toDataURL()")
    asked = len(server.asked)
    page.get_by_role("button", name="Manifold").click()
    settle(page)
    server.answer_all()
    settle(page)
    assert page.get_by_test_id("live-map").evaluate("(canvas) => canvas.toDataURL()") != before
    batches = server.codes[asked:]
    # How many go together depends on how fast the machine is; one by one they never go.
    assert len(batches) > 1
    assert max(map(len, batches)) > 3
