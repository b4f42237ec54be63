"""The instrument of beta in a blank page, with a Streamlit of the test's own."""

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.support.frames import eventually, frames
from tests.support.mounted import draws, move, settle
from tests.support.multi_rate import BETAS, TRAINED, Measured, multi_rate

STEPS_PER_BETA = 80
"""Of the slider's 960, from one beta of the grid to the next."""

THEMES = {"light": ("#ffffff", "#1d2625"), "dark": ("#101615", "#e6edeb")}


@pytest.fixture(scope="module")
def measured() -> Measured:
    return Measured(multi_rate("mlp", (1, 28, 28), 8))


@pytest.fixture
def live(page, measured):
    page.goto("about:blank")
    measured.mount_assets(page)
    mounted = measured.mount(page)
    settle(page)
    return mounted


def position(beta: float) -> float:
    """Where on the slider a beta is."""
    return 960 * np.log(beta / BETAS[0]) / np.log(BETAS[-1] / BETAS[0])


def wear(page, theme: str) -> None:
    background, text = THEMES[theme]
    style = f"body {{ --st-background-color: {background}; --st-text-color: {text}; }}"
    page.add_style_tag(content=style)


def drag_to(page, grid_place: float) -> None:
    move(page, "live-beta", STEPS_PER_BETA * grid_place)
    settle(page)


def release(page) -> None:
    page.get_by_test_id("live-beta").evaluate("(input) => input.dispatchEvent(new Event('change'))")


def value(page, testid: str, name: str) -> float:
    return float(page.get_by_test_id(testid).get_attribute(f"data-{name}"))


def pixels(page, testid: str) -> np.ndarray:
    read = "(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    return np.array(page.get_by_test_id(testid).evaluate(read)).reshape(-1, 4)


def wait_for_exemplar(page, picture: int, expected: np.ndarray) -> None:
    """Wait until an exemplar shows the expected grey levels."""
    shown = f"live-exemplar-{picture}"
    eventually(page, lambda: np.abs(pixels(page, shown)[:, 0] - expected).max() < 1)


def decoded(measured: Measured, beta: float, place: float, picture: int = 0) -> np.ndarray:
    """What torch shows of a picture, its code between two of the grid, as grey levels."""
    row, weight = int(place), place - int(place)
    means = measured.means[picture]
    code = means[row] if weight == 0 else (1 - weight) * means[row] + weight * means[row + 1]
    with torch.no_grad():
        model = measured.model.at_beta(beta)
        image = model.decode_mean(torch.tensor(code, dtype=torch.float32)[None])
    return 255 * image.flatten().numpy()


def beta_at(place: float) -> float:
    return float(BETAS[0] * (BETAS[-1] / BETAS[0]) ** (place / (len(BETAS) - 1)))


@pytest.mark.parametrize(
    ("architecture", "image_shape"), [("mlp", (1, 28, 28)), ("conv", (1, 16, 16))]
)
def test_the_picture_is_that_of_the_model_at_beta(page, architecture, image_shape):
    measured = Measured(multi_rate(architecture, image_shape, 2))
    page.goto("about:blank")
    measured.mount_assets(page)
    measured.mount(page)
    for place in (0, 3, 3.5, 12, 7.25, 3):
        drag_to(page, place)
        found = pixels(page, "live-decoded")[:, 0]
        assert np.abs(found - decoded(measured, beta_at(place), place)).max() < 1


def test_the_numbers_are_those_of_the_grid_and_straight_between(page, live, measured):
    rate = measured.rates.sum(axis=1)
    for row in (0, 5, 12):
        drag_to(page, row)
        assert value(page, "live-rate-distortion", "rate") == pytest.approx(rate[row], abs=1e-3)
        distortion = value(page, "live-rate-distortion", "distortion")
        assert distortion == pytest.approx(measured.distortion[row], abs=1e-3)
        for dimension in range(measured.latent):
            found = value(page, f"live-kl-{dimension}", "value")
            assert found == pytest.approx(measured.rates[row, dimension], abs=1e-3)
    drag_to(page, 5.25)
    expected = 0.75 * rate[5] + 0.25 * rate[6]
    assert value(page, "live-rate-distortion", "rate") == pytest.approx(expected, abs=1e-3)


def test_the_figures_add_up(page, live, measured):
    drag_to(page, 8)
    rate, distortion = measured.rates[8].sum(), measured.distortion[8]
    shown = {
        "distortion": f"{distortion:.1f}",
        "rate": f"{rate:.1f}",
        "objective": f"{distortion + BETAS[8] * rate:.1f}",
        "elbo": f"−{distortion + rate:.1f}",
        "active": f"{measured.active[8].sum()} of 8",
    }
    for name, text in shown.items():
        assert page.get_by_test_id(f"live-{name}").inner_text() == text


def test_dimensions_keep_their_rows_and_die_in_view(page, live, measured):
    order = np.argsort(-measured.rates[0])
    names = [f"z{d + 1}" for d in order[:6]]
    rows = page.locator(".traversal > span:first-child:not(:empty)")
    assert rows.all_inner_texts() == names
    drag_to(page, 12)
    assert rows.all_inner_texts() == names
    dead = [d for d in order[:6] if not measured.active[12, d]]
    assert 0 < len(dead) < 6
    for d in order[:6]:
        cell = page.get_by_test_id(f"live-kl-{d}")
        assert ("off" in cell.inner_text()) == (d in dead)
    assert page.locator(".thin.off").count() == sum(not measured.active[12, d] for d in order[6:])


def test_drags_are_silent_and_a_release_tells_once(page, live):
    for place in (2, 4.5, 6):
        drag_to(page, place)
    assert live.sent == []
    drag_to(page, 9)
    release(page)
    assert live.sent == [["beta", round(beta_at(9), 4)]]


def test_every_frame_is_painted_while_a_hand_moves_and_none_after(page, live):
    painted = """([input, canvas]) => new Promise((done) => {
      const first = Number(canvas.dataset.draws);
      const end = performance.now() + 100;
      let frames = 0;
      const count = () => (++frames && performance.now() < end ? requestAnimationFrame(count)
        : setTimeout(() => done([Number(canvas.dataset.draws) - first, frames])));
      input.value = 900;
      input.dispatchEvent(new Event("input"));
      requestAnimationFrame(count);
    })"""
    ends = [page.get_by_test_id(name).element_handle() for name in ("live-beta", "live-decoded")]
    drawn, counted = page.evaluate(painted, ends)
    assert drawn > 1
    assert abs(drawn - counted) <= 1
    frames(page, 24)
    still = draws(page), draws(page, "live-cloud"), draws(page, "live-exemplar-1")
    frames(page, 6)
    assert (draws(page), draws(page, "live-cloud"), draws(page, "live-exemplar-1")) == still


def test_only_news_from_python_moves_beta(page, live, measured):
    slider = page.get_by_test_id("live-beta")
    for place in (3, 9):
        drag_to(page, place)
        release(page)
    measured.mount(page, round(beta_at(3), 4))
    assert slider.input_value() == "720", "a late echo took the slider back"
    measured.mount(page, round(beta_at(9), 4))
    drag_to(page, 4)
    measured.mount(page, round(beta_at(9), 4))
    assert slider.input_value() == "320", "an unchanged value took the slider back"
    measured.mount(page, 1.0)
    settle(page)
    assert slider.input_value() == "480"
    assert np.abs(pixels(page, "live-decoded")[:, 0] - decoded(measured, 1.0, 6)).max() < 1


def test_an_instrument_built_anew_keeps_beta(page, live, measured):
    drag_to(page, 9)
    measured.mount(page, 1.0, TRAINED[:1])
    assert page.get_by_test_id("live-beta").input_value() == "720"
    assert page.get_by_test_id("live-decoded").count() == 1


def test_keys(page, live):
    slider = page.get_by_test_id("live-beta")
    slider.focus()
    for key, place in (("Home", 0), ("ArrowRight", 1), ("End", 960), ("ArrowLeft", 959)):
        page.keyboard.press(key)
        assert slider.input_value() == str(place)
    assert live.sent == []
    eventually(page, lambda: live.sent)
    frames(page, 24)
    assert live.sent == [["beta", pytest.approx(beta_at(959 / 80), abs=1e-4)]]
    assert slider.get_attribute("aria-valuetext") == "9.95"


def test_plays_up_and_down_until_paused(page, live):
    play = page.get_by_test_id("live-beta-play")
    drag_to(page, 11.9)
    before = draws(page)
    play.click()
    page.wait_for_function("instruments.beta.parent.querySelector('output').textContent < '9.9'")
    eventually(page, lambda: draws(page) > before + 3)
    assert play.inner_text() == "Pause"
    play.click()
    assert play.inner_text() == "Play"
    assert len(live.sent) == 1
    stopped = page.get_by_test_id("live-beta").input_value()
    frames(page, 6)
    assert page.get_by_test_id("live-beta").input_value() == stopped


def test_a_hand_ends_the_play(page, live):
    page.get_by_test_id("live-beta-play").click()
    drag_to(page, 2)
    frames(page, 6)
    assert page.get_by_test_id("live-beta").input_value() == "160"
    assert page.get_by_test_id("live-beta-play").inner_text() == "Play"


def test_ticks_and_trained_models_stand_at_their_betas(page, live):
    ticks = page.locator(".beta-bar .stop")
    assert ticks.all_inner_texts() == ["0.1", "0.2", "0.5", "1", "2", "5", "10"]
    marks = page.locator(".beta-bar .beta-mark")
    assert marks.count() == len(TRAINED)
    box = page.get_by_test_id("live-beta").bounding_box()
    for mark, model in zip(marks.all(), TRAINED, strict=True):
        place = mark.bounding_box()
        middle = place["x"] + place["width"] / 2
        fraction = position(model["beta"]) / 960
        assert middle == pytest.approx(box["x"] + 8 + (box["width"] - 16) * fraction, abs=2)
    marks.nth(1).click()
    assert live.sent == [["beta", 4]]
    assert page.locator(".readout").inner_text() == "β = 4.00"


def test_models_of_other_seeds_share_a_tick(page, measured):
    page.goto("about:blank")
    measured.mount_assets(page)
    measured.mount(page, trained=[*TRAINED, {**TRAINED[0], "rate": 11.0}])
    assert page.locator(".beta-bar .beta-mark").count() == len(TRAINED)


def test_a_beta_beyond_the_curve_is_its_end(page, measured):
    page.goto("about:blank")
    measured.mount(page, 1000.0)
    measured.mount_assets(page)
    settle(page)
    assert page.locator(".readout").inner_text() == "β = 10.0"
    assert page.get_by_test_id("live-decoded").is_visible()


def test_tiles_end_up_where_beta_does(page, live, measured):
    for place in (2, 8, 10):
        drag_to(page, place)
    for picture in (1, 3):
        wait_for_exemplar(page, picture, decoded(measured, beta_at(10), 10, picture))

    costliest = int(np.argmax(measured.rates[0]))
    code = torch.tensor(measured.means[0, 10], dtype=torch.float32)
    code[costliest] = 3
    with torch.no_grad():
        expected = 255 * measured.model.at_beta(beta_at(10)).decode_mean(code[None]).flatten()
    last = page.locator(".tiles").first.locator("canvas").last
    read = "(c) => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
    found = np.array(last.evaluate(read)).reshape(-1, 4)[:, 0]
    assert np.abs(found - expected.numpy()).max() < 1


def test_pointing_at_an_exemplar_shows_the_image_itself(page, live, measured):
    frames(page, 18)
    page.get_by_test_id("live-exemplar-2").hover()
    for place in (4, 7):
        drag_to(page, place)
    found = pixels(page, "live-exemplar-2")[:, 0]
    assert np.abs(found - 255 * measured.originals[2].flatten()).max() <= 1
    page.mouse.move(1, 1)
    wait_for_exemplar(page, 2, decoded(measured, beta_at(7), 7, 2))


def test_the_cloud_contracts_on_a_fixed_scale(page, live):
    def spread() -> float:
        cloud = pixels(page, "live-cloud")[:, :3]
        side = round(len(cloud) ** 0.5)
        coloured = np.ptp(cloud, axis=1) > 60
        places = np.argwhere(coloured.reshape(side, side)) - side / 2
        return float(np.hypot(*places.T).mean())

    drag_to(page, 0)
    wide, first = spread(), draws(page, "live-cloud")
    drag_to(page, 12)
    assert draws(page, "live-cloud") > first
    assert spread() < 0.75 * wide


def test_the_point_moves_along_the_curve(page, live):
    wear(page, "light")
    drag_to(page, 0)
    low = pixels(page, "live-rate-distortion")
    drag_to(page, 12)
    assert (pixels(page, "live-rate-distortion") != low).any()


def test_it_fits_and_grows(page, live):
    root = page.locator(".live.beta")
    page.set_viewport_size({"width": 976, "height": 720})
    settle(page)
    assert root.bounding_box()["height"] < 580
    small = page.get_by_test_id("live-decoded").bounding_box()["width"]
    page.set_viewport_size({"width": 1500, "height": 900})
    settle(page)
    assert page.get_by_test_id("live-decoded").bounding_box()["width"] > small
    for width in (390, 719, 760):
        page.set_viewport_size({"width": width, "height": 720})
        settle(page)
        frames(page, 3)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_jumps_while_beta_moves(page, live):
    boxes = """() => [...instruments.beta.parent.querySelectorAll("canvas, .number, input")]
        .filter((node) => node.offsetParent)
        .map((node) => { const { x, y } = node.getBoundingClientRect(); return [x, y]; })"""
    drag_to(page, 0)
    before = page.evaluate(boxes)
    for place in (4.3, 8, 12):
        drag_to(page, place)
        np.testing.assert_allclose(page.evaluate(boxes), before, atol=0.6)


@pytest.mark.parametrize("name", THEMES)
def test_the_plots_wear_the_theme(page, live, measured, name):
    wear(page, name)
    measured.mount(page)
    level = int(THEMES[name][0][1:3], 16)
    for testid in ("live-rate-distortion", "live-cloud"):
        size = page.get_by_test_id(testid).evaluate("(canvas) => canvas.width")
        assert pixels(page, testid)[3 * size + 3, 0] == level


def test_a_decoder_on_the_server_is_declined_calmly(page, measured):
    page.goto("about:blank")
    measured.mount_assets(page)
    page.evaluate("library.ASSETS.get('decoder').asset.served = { isServed: true }")
    measured.mount(page)
    assert "too large" in page.locator(".live.beta").inner_text()
    assert page.get_by_test_id("live-beta").count() == 0


def test_nothing_is_left_when_it_ends(page, live):
    page.get_by_test_id("live-beta-play").click()
    page.evaluate("""() => {
      instruments.beta.end();
      window.frames = 0;
      const frame = requestAnimationFrame;
      window.requestAnimationFrame = (work) => { window.frames++; return frame(work); };
    }""")
    frames(page, 6)
    assert page.evaluate("window.frames") == 6, "the instrument asked for frames of its own"
    assert page.get_by_test_id("live-decoded").count() == 0


def test_python_mounts_it_with_plain_numbers():
    def script() -> None:
        import numpy as np

        from pages.ui import instruments

        images = [
            {"means": np.zeros((5, 2)), "original": np.zeros((4, 4, 1)), "caption": "first"},
            {"means": np.zeros((5, 2)), "caption": "second"},
        ]
        model = {"beta": np.float32(4), "rate": np.float64(3), "distortion": 90, "caption": "β 4"}
        labels, colors = ("z1", "z2"), ["#ffffff"]
        arguments = ("beta", "decoder", "curve", images, [model], labels, colors, np.float32(1))
        assert instruments.live_beta(*arguments) is None

    app = AppTest.from_function(script).run()
    assert not app.exception
