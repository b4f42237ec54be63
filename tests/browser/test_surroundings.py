"""What the instruments show around a place: nearness, nearest images, small maps, sizes."""

import base64

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.frames import eventually, frames
from tests.support.mounted import Mounted, draws, grey, mount_blob, move, settle
from vae.explorer.latent.neighbours import Neighbours
from vae.viewer.blobs import codes_blob, decoder_blob, pictures_blob

LATENT, COUNT = 3, 60
PLANE = {
    "origin": [0, 0, 0],
    "basis": [[1, 0, 0], [0, 1, 0]],
    "labels": ["z1", "z2"],
    "symbols": ["z1", "z2"],
    "has_prior": True,
}
COLORS = ["#ff0000", "#00ff00"]
ACTIVE = [0, 1]


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    """Codes whose third dimension is large and inactive."""
    drawn = np.random.default_rng(0).standard_normal((COUNT, LATENT)).astype(np.float32)
    drawn[:, 2] *= 50
    return drawn


@pytest.fixture(scope="module")
def neighbours(codes) -> Neighbours:
    return Neighbours(codes, ACTIVE)


@pytest.fixture
def mounted_codes(page, codes, neighbours) -> None:
    """The codes and a decoder whose pixels all are the sigmoid of z[0]."""
    page.goto("about:blank")
    decoder = nn.Sequential(nn.Linear(LATENT, 16), nn.Unflatten(1, (1, 4, 4)))
    with torch.no_grad():
        decoder[0].weight.zero_()
        decoder[0].weight[:, 0] = 1
        decoder[0].bias.zero_()
    mount_blob(page, "decoder", decoder_blob(decoder, LATENT, (1, 4, 4), "decoder"))
    spacings, labels = neighbours.spacing_quantiles(), np.arange(COUNT) % 2
    packed = codes_blob(
        "codes", codes, np.zeros_like(codes), labels, ["even", "odd"], np.array(ACTIVE), spacings
    )
    mount_blob(page, "codes", packed)


def sliders(pictures: str | None = None) -> dict:
    dimensions = [
        {"index": i, "label": f"z{i + 1}", "low": -9, "high": 9, "kl": 1.0, "active": i < 2}
        for i in range(LATENT)
    ]
    return {
        "panels": [{"asset": "decoder", "caption": ""}],
        "control": {"kind": "sliders", "dimensions": dimensions},
        "latent": LATENT,
        "size": 100,
        "surroundings": {"codes": "codes", "pictures": pictures, "plane": PLANE, "colors": COLORS},
    }


def map_spec(**changes) -> dict:
    names = {"codes": "codes", "decoder": "decoder", "pictures": None}
    return {**names, "plane": PLANE, "colors": COLORS, "backdrop": "none", **changes}


def shown(page) -> list[str]:
    return [page.locator(".thumbnails figure").nth(i).get_attribute("title") for i in range(4)]


def expected_titles(codes, neighbours, z) -> list[str]:
    found = neighbours.nearest(np.array([z], dtype=np.float32), 4)[0]
    distances = np.linalg.norm(codes[found][:, ACTIVE] - np.array(z)[ACTIVE], axis=1)
    names = ["even", "odd"]
    return [
        f"test image {i}, {names[i % 2]}: {d:.3f} away"
        for i, d in zip(found, distances, strict=True)
    ]


@pytest.mark.parametrize("z", [[0.0, 0.0, 0.0], [1.2, -0.7, 3.0], [8.0, 8.0, 0.0]])
def test_the_nearest_images_are_nearest_over_the_active_dimensions(
    page, mounted_codes, codes, neighbours, z
):
    live = Mounted(page, "decode")
    live.mount(sliders(), z)
    settle(page)
    assert shown(page) == expected_titles(codes, neighbours, z)


@pytest.mark.parametrize("z", [[0.0, 0.0, 0.0], [0.9, 0.4, 0.0], [2.0, 1.0, 0.0], [9.0, 9.0, 0.0]])
def test_how_far_off_the_data_is_the_rank_that_the_core_gives(page, mounted_codes, neighbours, z):
    live = Mounted(page, "decode")
    live.mount(sliders(), z)
    settle(page)
    percent = int(page.locator(".norm .number").nth(1).inner_text().split()[0])
    rank = neighbours.outlyingness(np.array([z], dtype=np.float32))[0]
    assert percent == pytest.approx(100 * rank, abs=2.5)


def test_a_place_on_a_code_is_in_the_data_and_one_far_away_is_off_it(page, mounted_codes, codes):
    live = Mounted(page, "decode")
    live.mount(sliders(), [float(x) for x in codes[7]])
    settle(page)
    assert page.get_by_text("in the data").is_visible()
    move(page, "live-slider-0", 9)
    settle(page)
    assert page.get_by_text("off the data").is_visible()
    assert page.locator(".norm .number").nth(1).inner_text() == "100 %"


def test_nearby_images_are_decoded_until_the_real_ones_come(page, mounted_codes, codes, neighbours):
    live = Mounted(page, "decode")
    live.mount(sliders("pictures"), [0.0, 0.0, 0.0])
    page.get_by_text("as decoded").wait_for()
    nearest = int(neighbours.nearest(np.zeros((1, LATENT), dtype=np.float32), 1)[0, 0])
    sigmoid = 255 / (1 + np.exp(-codes[nearest, 0]))
    assert grey(page, "live-nearest-0") == pytest.approx(sigmoid, abs=1)
    pixels = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 5, 6, 1), np.uint8)
    mount_blob(page, "pictures", pictures_blob("pictures", pixels))
    page.get_by_text("as decoded").wait_for(state="hidden")
    assert grey(page, "live-nearest-0") == nearest
    canvas = page.get_by_test_id("live-nearest-0")
    assert canvas.evaluate("(canvas) => [canvas.width, canvas.height]") == [6, 5]


def test_the_images_stay_when_their_page_is_left(page, mounted_codes, neighbours):
    pixels = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 5, 6, 1), np.uint8)
    mount_blob(page, "pictures", pictures_blob("pictures", pixels))
    page.evaluate("Object.values(instruments).forEach((held) => held.end())")
    assert page.evaluate("[...library.ASSETS.keys()]") == ["pictures"]
    Mounted(page, "map").mount(map_spec(pictures="pictures", codes="none", decoder="none"))
    assert page.get_by_text("nearest images", exact=True).count() == 1


def test_hidden_classes_are_not_among_the_nearest_on_the_map(page, mounted_codes, codes):
    live = Mounted(page, "map")
    live.mount(map_spec(size=350), [0.0, 0.0, 0.0])
    settle(page)
    page.get_by_role("button", name="odd", exact=True).click()
    settle(page)
    assert all(", even:" in title for title in shown(page))
    even = np.flatnonzero(np.arange(COUNT) % 2 == 0)
    nearest = even[np.linalg.norm(codes[even][:, ACTIVE], axis=1).argmin()]
    assert shown(page)[0].startswith(f"test image {nearest},")


def test_the_small_map_follows_the_sliders(page, mounted_codes):
    live = Mounted(page, "decode")
    live.mount(sliders(), [0.0, 0.0, 0.0])
    settle(page)
    picture = "(canvas) => canvas.toDataURL()"
    before = page.locator(".minimap canvas").evaluate(picture)
    move(page, "live-slider-1", 1.5)
    settle(page)
    assert page.locator(".minimap canvas").evaluate(picture) != before


def test_the_blend_fades_while_the_latent_path_is_decoded(page, mounted_codes):
    start, end = np.full((3, 4, 4), 40, np.uint8), np.full((3, 4, 4), 240, np.uint8)
    texts = [base64.b64encode(image.tobytes()).decode() for image in (start, end)]
    control = {"kind": "path", "points": [[-2, 0, 0], [2, 0, 0]], "captions": [], "seconds": 1}
    spec = sliders() | {"control": control}
    spec["blend"] = {"shape": [3, 4, 4], "start": texts[0], "end": texts[1]}
    live = Mounted(page, "decode")
    live.mount(spec, [0.25])
    settle(page)
    assert grey(page, "live-blend") == pytest.approx(90, abs=1)
    assert grey(page) == pytest.approx(255 / (1 + np.exp(1)), abs=1)
    page.locator("input[type=range]").first.evaluate(
        "(input) => { input.value = 0.5; input.dispatchEvent(new Event('input')); }"
    )
    settle(page)
    assert grey(page, "live-blend") == pytest.approx(140, abs=1)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (800, 720), (390, 844)])
def test_instruments_fit_the_window_without_scrolling_sideways(page, mounted_codes, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for name, spec in (("map", map_spec()), ("decode", sliders() | {"size": 308})):
        Mounted(page, name).mount(spec, [0.5, 0.5, 0.0])
    frames(page, 12)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    side = page.get_by_test_id("live-map").bounding_box()["width"]
    assert side >= min(width, height) * 0.6


def test_a_larger_window_enlarges_what_is_there(page, mounted_codes):
    live = Mounted(page, "map")
    live.mount(map_spec(), [0.5, 0.5, 0.0])
    settle(page)
    before = page.get_by_test_id("live-map").bounding_box()["width"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    canvas = page.get_by_test_id("live-map")
    eventually(page, lambda: canvas.bounding_box()["width"] > before + 200)
    assert draws(page, "live-map") > 1
    x, y = (float(text) for text in page.locator(".reading .number").all_inner_texts())
    assert (x, y) == (0.5, 0.5)


def test_sixty_thousand_codes_are_drawn_again_in_each_frame_of_a_pan(page, mounted_codes):
    many = np.random.default_rng(1).standard_normal((60_000, LATENT)).astype(np.float32)
    mount_blob(page, "many", codes_blob("many", many, None, np.arange(60_000) % 10))
    live = Mounted(page, "map")
    live.mount(map_spec(codes="many", size=560), [0.0, 0.0, 0.0])
    settle(page)
    box = page.get_by_test_id("live-map").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    before = draws(page, "live-map")
    for i in range(60):
        page.mouse.move(middle[0] + i, middle[1] + i / 2)
        frames(page, 1)
    page.mouse.up()
    assert draws(page, "live-map") - before >= 30


@pytest.mark.parametrize("has_prior", [True, False])
def test_codes_without_a_prior_are_not_measured_by_it(page, mounted_codes, has_prior):
    plane = {**PLANE, "has_prior": has_prior}
    around = {**sliders()["surroundings"], "plane": plane}
    Mounted(page, "map").mount(map_spec(plane=plane))
    Mounted(page, "decode").mount({**sliders(), "surroundings": around})
    settle(page)
    measured = page.get_by_text("|z|", exact=True).count()
    assert measured == (2 if has_prior else 0)
