"""Drawings in the pages: what a browser reports is read with care, kept, and used by every page."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from pages.ui import drawing
from vae.core.config import ModelConfig
from vae.data.stroke_style import BRUSH, DIGITS_INK, MNIST_INK, PLAIN_INK, ink_of

PROJECT = Path(__file__).parents[2]
STROKES = [[1000, 2000, 3000, 4000], [5000, 5000]]
PIXELS = [255 * (i % 3 == 0) for i in range(64)]


@pytest.fixture(scope="module")
def odd_kinds(tmp_path_factory, train_into):
    """Models that are told labels, have levels, many betas, points, or a codebook (of MNIST)."""
    root = tmp_path_factory.mktemp("kinds")
    settings = {"epochs": 1, "batch_size": 64}
    train_into(root / "conditional", 2, kind="conditional", classes=10, **settings)
    train_into(root / "ladder", 4, "mlp-deep", kind="ladder", levels=(2, 2), **settings)
    train_into(root / "any-beta", 2, beta_range=(0.1, 10), **settings)
    train_into(root / "autoencoder", 3, kind="autoencoder", **settings)
    (root / "vq").symlink_to(PROJECT / "checkpoints" / "mnist-vq")
    return root


ODD = ["conditional", "ladder", "any-beta", "autoencoder", "vq"]


def mounted(page, name: str) -> list:
    """What the page's components of a name were given."""
    found = [element.proto for element in page.get("bidi_component")]
    return [proto for proto in found if proto.component_name == name]


def spec(page) -> dict:
    [proto] = mounted(page, "latent_map")
    return json.loads(proto.json)


def captions(page) -> list[str]:
    """Under the pictures."""
    return [caption for image in page.get("image") for caption in image.captions]


def kinds(page) -> list[str]:
    """Of all blobs."""
    blobs = [proto.bytes for proto in mounted(page, "latent_asset")]
    lengths = [struct.unpack_from("<I", blob, 4)[0] for blob in blobs]
    headers = [json.loads(blob[8 : 8 + n]) for blob, n in zip(blobs, lengths, strict=True)]
    return [header.get("part", header["kind"]) for header in headers]


def keep(page, name: str = drawing.MAIN, side: int = 8, ink=DIGITS_INK) -> None:
    """What is in the session once a drawing was reported."""
    pixels = np.array(PIXELS, np.uint8).reshape(side, side)
    size = f"{(1, side, side)} {ink}"
    page.session_state[f"drawing-{name}"] = {"strokes": STROKES, size: pixels}


def test_each_data_set_has_its_ink():
    grey, colour = ModelConfig((1, 28, 28), 2), ModelConfig((3, 32, 32), 2)
    assert ink_of("mnist", grey) is MNIST_INK
    assert ink_of("mnist:without=1", grey) is MNIST_INK
    assert ink_of("digits", grey) is DIGITS_INK
    assert ink_of("sprites:side=64", grey) is BRUSH
    assert ink_of("fashion-mnist", grey) is PLAIN_INK
    assert ink_of("folder:somewhere", grey) is PLAIN_INK
    assert "colour" in ink_of("cifar10", colour)
    quantised = ModelConfig((1, 28, 28), 196, "conv", kind="vq", codebook=8)
    assert "codebook" in ink_of("mnist", quantised)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("file", ["pages/map.py", "pages/interpolate.py"])
def test_a_drawing_is_offered_to_every_kind_with_a_map(open_page, odd_kinds, file, name):
    page = open_page(file, checkpoints=odd_kinds, model=name, a="draw", tool="draw")
    keep(page)
    page.run()
    assert not page.exception
    assert not page.warning
    offered = name != "vq"
    if file == "pages/map.py":
        assert ("encoder" in spec(page)["spec"]["drawing"]) is offered
        assert ("reason" in spec(page)["spec"]["drawing"]) is not offered
        assert kinds(page).count("encoder") == offered
        assert spec(page)["tool"] == "draw"
        return
    assert len(mounted(page, "latent_draw")) == offered
    assert any("drawing, as the model sees it" in caption for caption in captions(page)) is offered


def test_colour_models_say_why_there_is_no_pad(open_page):
    page = open_page(
        "pages/map.py", checkpoints=PROJECT / "checkpoints", model="cifar10-jpeg-compressor"
    )
    assert not page.exception
    assert "colour" in spec(page)["spec"]["drawing"]["reason"]


def test_without_a_drawing_the_end_is_a_test_image(open_page):
    page = open_page("pages/interpolate.py", model="digits-map", a="draw")
    assert any("until something is drawn" in caption for caption in captions(page))
    assert page.query_params["a"] == "draw"


def test_b_has_a_drawing_of_its_own(open_page):
    page = open_page("pages/interpolate.py", model="digits-map", a="draw", b="draw")
    keep(page)
    page.run()
    assert not page.exception
    given = [json.loads(proto.json) for proto in mounted(page, "latent_draw")]
    assert [len(each["strokes"]) for each in given] == [2, 0]
    assert [each["known"] for each in given] == [True, False]


def test_another_image_size_is_asked_for(open_page):
    page = open_page("pages/interpolate.py", model="digits-map", a="draw")
    page.session_state["drawing-main"] = {"strokes": STROKES}
    page.run()
    [proto] = mounted(page, "latent_draw")
    assert json.loads(proto.json)["known"] is False


class Model:
    """As much of an explorer as reading a report takes."""

    latent_dim = 2

    class run:  # noqa: N801
        class train:  # noqa: N801
            dataset = "digits"

        model = ModelConfig((1, 8, 8), 2)


@pytest.fixture
def session(monkeypatch) -> dict:
    kept: dict = {}
    monkeypatch.setattr(drawing.st, "session_state", kept)
    return kept


def test_a_report_is_kept(session):
    assert drawing.keep("x", Model, {"strokes": STROKES, "pixels": PIXELS})
    assert drawing.strokes("x") == STROKES
    image = drawing.drawn_image("x", Model)
    assert image.shape == (8, 8, 1)
    np.testing.assert_array_equal(image.ravel() * 255, PIXELS)
    assert drawing.drawn_image("y", Model) is None


def test_a_cleared_pad_forgets_the_image(session):
    drawing.keep("x", Model, {"strokes": STROKES, "pixels": PIXELS})
    assert drawing.keep("x", Model, {"strokes": [], "pixels": []})
    assert drawing.strokes("x") == []
    assert drawing.drawn_image("x", Model) is None


@pytest.mark.parametrize(
    "drawn",
    [
        None,
        [],
        "drawn",
        {},
        {"strokes": STROKES},
        {"strokes": STROKES, "pixels": PIXELS[:-1]},
        {"strokes": STROKES, "pixels": [256] * 64},
        {"strokes": STROKES, "pixels": [0.5] * 64},
        {"strokes": STROKES, "pixels": [True] * 64},
        {"strokes": STROKES, "pixels": "x" * 64},
        {"strokes": "x", "pixels": PIXELS},
        {"strokes": [[]], "pixels": PIXELS},
        {"strokes": [[1]], "pixels": PIXELS},
        {"strokes": [[1, -1]], "pixels": PIXELS},
        {"strokes": [[1, float("nan")]], "pixels": PIXELS},
        {"strokes": [[1, 10_001]], "pixels": PIXELS},
        {"strokes": [{}], "pixels": PIXELS},
        {"strokes": [[1, 1]] * 6000, "pixels": PIXELS},
    ],
    ids=lambda drawn: repr(drawn)[:60],
)
def test_an_unusable_report_changes_nothing(session, drawn):
    assert not drawing.keep("x", Model, drawn)
    assert session == {}


@pytest.mark.parametrize(
    "z", [None, "z", [], [1], [1, 2, 3], [1, "2"], [1, float("nan")], [1, 1e9], [1, True], {}]
)
def test_an_unusable_code_is_none(z):
    assert drawing.read_code({"z": z}, 2) is None


def test_a_code_is_read():
    assert drawing.read_code({"z": [1, -0.5]}, 2) == [1.0, -0.5]
    assert drawing.read_code(None, 2) is None
