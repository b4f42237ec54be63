"""The pages with every decoder on the server: a real server, a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.support.app_server import running_app, settled
from tests.support.frames import eventually, frames
from vae.explorer import Explorer

PLACES = ["0,0", "1.25,-0.5", "-2.5,2", "0.3333,3"]
PIXELS = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 8, 8).data]"


@pytest.fixture(scope="module")
def root(tmp_path_factory, train_into) -> Path:
    """A map of digits and a family of two betas, low enough for codes that differ."""
    folder = tmp_path_factory.mktemp("models")
    settings = {"epochs": 20, "batch_size": 32, "learning_rate": 5e-3}
    train_into(folder / "digits-map", 2, "mlp-deep", beta=0.1, **settings)
    for beta in (0.1, 0.2):
        train_into(folder / f"digits-beta-{beta:g}", 4, beta=beta, **settings)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, root) -> Iterator[str]:
    """A server that sends no decoder to the browser."""
    folder = tmp_path_factory.mktemp("server")
    with running_app(folder, root, LATENT_BROWSER_MEGABYTES="0") as address:
        yield address


@pytest.fixture
def visitor(browser, server) -> Iterator:
    """A new visitor's page; `sent` are the messages to the server."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=server)
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def sent(visitor) -> list[BackMsg]:
    """What the browser sends from here on."""
    found: list[BackMsg] = []
    keep = lambda frame: found.append(BackMsg.FromString(frame))  # noqa: E731
    visitor.on("websocket", lambda socket: socket.on("framesent", keep))
    return found


def show(page, path: str, testid: str = "live-decoded") -> None:
    """Open a page and wait for its first picture."""
    page.goto(path)
    settled(page)
    wait_for_draws(page, 1, testid)
    settled(page)


def draws(page, testid: str = "live-decoded") -> int:
    return int(page.get_by_test_id(testid).get_attribute("data-draws"))


def wait_for_draws(page, count: int, testid: str = "live-decoded") -> None:
    canvas = page.get_by_test_id(testid)
    canvas.wait_for()
    eventually(page, lambda: draws(page, testid) >= count)


def picture(page, testid: str = "live-decoded") -> np.ndarray:
    """The grey levels of a decoded digit (8, 8)."""
    read = page.get_by_test_id(testid).evaluate(PIXELS)
    return np.array(read).reshape(8, 8, 4)[..., 0]


def expected(root: Path, z: list[float], name: str = "digits-map") -> np.ndarray:
    return 255 * Explorer.open(root / name).decode([z])[0, :, :, 0]


def linked_place(page) -> list[float]:
    return [float(part) for part in page.url.split("z=")[1].split("&")[0].split("%2C")]


def drag(page, seconds: float = 2.0) -> None:
    """Pull the first slider to and fro; the button stays pressed."""
    slider = page.get_by_test_id("live-slider-0")
    slider.hover()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(round(seconds * 50)):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.35 * np.sin(step / 8)), middle)
        frames(page, 1)


@pytest.mark.parametrize("place", PLACES)
def test_the_picture_is_the_decoders(visitor, root, place):
    show(visitor, f"/decode?model=digits-map&z={place}")
    z = [float(part) for part in place.split(",")]
    assert np.abs(picture(visitor) - expected(root, z)).max() <= 1


def test_dragging_decodes_on_the_server_one_request_at_a_time(visitor, sent, root):
    show(visitor, "/decode?model=digits-map")
    settled(visitor)
    sent.clear()
    before = draws(visitor)
    drag(visitor)
    painted = draws(visitor) - before
    assert 10 <= painted <= len(sent) <= painted + 1
    assert all(message.rerun_script.fragment_id for message in sent), "the whole page was run"
    visitor.mouse.up()
    visitor.wait_for_url("**z=*")
    settled(visitor)
    decoded = expected(root, linked_place(visitor))
    eventually(visitor, lambda: np.abs(picture(visitor) - decoded).max() <= 1)
    time = visitor.get_by_text("on the server · ")
    assert time.text_content().endswith(" ms")
    assert "MB" in time.get_attribute("title")


def test_a_request_leaves_no_gap_in_the_page(visitor):
    show(visitor, "/decode?model=digits-map")
    heights = "() => [...document.querySelectorAll('.stBidiComponent')].map((e) => e.offsetHeight)"
    shown = [height for height in visitor.evaluate(heights) if height > 0]
    assert len(shown) == 1, "only the instrument takes room"
    wrappers = "() => document.querySelectorAll('[data-testid=stLayoutWrapper]').length"
    hidden = """() => [...document.querySelectorAll('[data-testid=stLayoutWrapper]')]
        .filter((e) => e.style.display === "none").length"""
    assert visitor.evaluate(wrappers) > visitor.evaluate(hidden) == 1


@pytest.mark.slow
@pytest.mark.parametrize("whole_run", [True, False], ids=["whole run", "answer alone"])
def test_a_lost_answer_is_asked_for_again(visitor, root, whole_run):
    """Streamlit loses a run whose end a message overtakes; a component without its answer goes."""
    losing, lost = [False], []

    def between(socket) -> None:
        def pass_on(frame) -> None:
            message = ForwardMsg.FromString(frame)
            component = message.delta.new_element.bidi_component.component_name
            ends = message.WhichOneof("type") == "script_finished"
            if losing[0] and (whole_run or component == "latent_served"):
                lost.append(component)
            else:
                socket.send(frame)
            losing[0] = losing[0] and not ends

        socket.connect_to_server().on_message(pass_on)

    visitor.route_web_socket("**/_stcore/stream", between)
    show(visitor, "/decode?model=digits-map&z=0,0")
    frames(visitor, 30)
    losing[0] = True
    before = draws(visitor)
    slider = visitor.get_by_test_id("live-slider-0")
    slider.evaluate("(input) => { input.value = 1; input.dispatchEvent(new Event('input')); }")
    eventually(visitor, lambda: lost.count("latent_served"))
    assert lost.count("latent_served") == 1
    assert draws(visitor) == before
    wait_for_draws(visitor, before + 1)
    assert np.abs(picture(visitor) - expected(root, [1, 0])).max() <= 1


@pytest.mark.slow
def test_the_map_follows_the_pointer_and_draws_its_manifold(visitor, sent):
    show(visitor, "/map?model=digits-map", "live-map-decoded")
    box = visitor.get_by_test_id("live-map").bounding_box()
    before = picture(visitor, "live-map-decoded"), draws(visitor, "live-map-decoded")
    for step in range(40):
        left = box["x"] + box["width"] * (0.2 + step / 70)
        visitor.mouse.move(left, box["y"] + box["height"] / 2)
        frames(visitor, 2)
    assert draws(visitor, "live-map-decoded") >= before[1] + 10
    assert np.any(picture(visitor, "live-map-decoded") != before[0])
    canvas = visitor.get_by_test_id("live-map")
    bare = canvas.evaluate("(canvas) => canvas.toDataURL()")
    sent.clear()
    visitor.get_by_role("button", name="Manifold").click()
    eventually(visitor, lambda: canvas.evaluate("(canvas) => canvas.toDataURL()") != bare)
    frames(visitor, 60)
    assert 2 < len(sent) < 40


@pytest.mark.slow
def test_a_walk_is_asked_for_ahead(visitor, sent):
    show(visitor, "/?model=digits-map")
    frames(visitor, 60)
    sent.clear()
    before = draws(visitor)
    eventually(visitor, lambda: sent and draws(visitor) >= before + 30)
    assert 1 <= len(sent) <= 8


@pytest.mark.slow
def test_a_path_plays(visitor, sent):
    show(visitor, "/interpolate?model=digits-map")
    first = picture(visitor)
    visitor.get_by_test_id("live-play").click()
    frames(visitor, 30)
    sent.clear()
    before = draws(visitor)
    eventually(visitor, lambda: sent and draws(visitor) >= before + 20)
    assert 1 <= len(sent) <= 6
    assert np.any(picture(visitor) != first)


@pytest.mark.slow
def test_all_panels_of_compare_follow_with_the_same_requests(visitor, sent):
    show(visitor, "/compare?model=digits-beta-0.1", "live-decoded-1")
    panels = ("live-decoded", "live-decoded-1")
    sent.clear()
    before = [draws(visitor, panel) for panel in panels]
    drag(visitor)
    painted = [draws(visitor, panel) - first for panel, first in zip(panels, before, strict=True)]
    assert min(painted) >= 10
    assert len(sent) <= max(painted) + 1
    visitor.mouse.up()
