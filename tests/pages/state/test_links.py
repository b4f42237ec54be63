"""What a person chose stands in the link: a link, a reload, opens the same view again."""

import numpy as np
import pytest

from vae.explorer import Explorer


def _box(page, label):
    return next(box for box in page.selectbox if box.label == label)


def _captions(page) -> str:
    return "\n".join(caption.value for caption in page.caption)


@pytest.fixture(scope="module")
def explorer(small_checkpoints) -> Explorer:
    return Explorer.open(small_checkpoints / "digits-beta-1")


def test_the_map_opens_on_the_pair_of_dimensions_in_the_link(open_page):
    page = open_page("pages/map.py", model="digits-beta-1", plane="3,1")
    assert not page.exception
    assert (_box(page, "Across").value, _box(page, "Up").value) == (2, 0)
    assert page.query_params["plane"] == "3,1"


@pytest.mark.parametrize("plane", ["3,3", "0,1", "9,1", "x", "1,2,3", "²,1", "principal", ""])
def test_any_other_plane_in_the_link_is_the_principal_one(open_page, plane):
    page = open_page("pages/map.py", model="digits-beta-1", plane=plane)
    assert not page.exception
    assert not [box for box in page.selectbox if box.label == "Across"]


def test_choosing_a_plane_writes_it_into_the_link(open_page):
    page = open_page("pages/map.py", model="digits-beta-1")
    page.segmented_control[0].set_value("Two dimensions").run()
    _box(page, "Across").set_value(3).run()
    _box(page, "Up").set_value(1).run()
    assert page.query_params["plane"] == "4,2"
    _box(page, "Up").set_value(3).run()
    assert not page.exception
    assert page.query_params["plane"] != "4,4"


def test_interpolation_opens_with_the_ends_and_the_way_in_the_link(open_page, explorer):
    page = open_page("pages/interpolate.py", model="digits-beta-1", a="5", b="pin", path="data")
    assert not page.exception
    sources = [box.value for box in page.selectbox if box.label in ("A", "B")]
    assert sources == ["image", "pin"]
    assert _box(page, "Class").value == explorer.atlas.label[5]
    which = page.number_input[0].value - 1
    members = np.flatnonzero(explorer.atlas.label == explorer.atlas.label[5])
    assert explorer.most_typical_first(members)[which] == 5
    assert page.segmented_control[0].value == "data"
    assert {name: page.query_params[name] for name in ("a", "b", "path")} == {
        "a": "5",
        "b": "pin",
        "path": "data",
    }


@pytest.mark.parametrize("text", ["-1", "100000", "x", "1e3", "²", ""])
def test_ends_that_the_link_cannot_mean_are_the_usual_ones(open_page, text):
    page = open_page("pages/interpolate.py", model="digits-beta-1", a=text, t=text, path=text)
    assert not page.exception
    assert not page.warning
    assert _box(page, "Class").value == 3
    assert page.segmented_control[0].value == "linear"


def test_another_model_of_the_same_data_keeps_the_ends(open_page):
    page = open_page("pages/interpolate.py", model="digits-beta-1", a="5", b="7")
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-map").run()
    assert not page.exception
    assert (page.query_params["a"], page.query_params["b"]) == ("5", "7")


def test_compare_opens_on_the_image_in_the_link(open_page):
    page = open_page("pages/compare.py", model="digits-beta-1", image="7")
    assert not page.exception
    assert page.query_params["image"] == "7"


@pytest.mark.parametrize("image", ["-1", "99999999999", "x"])
def test_an_image_that_is_not_there_is_the_first(open_page, image):
    page = open_page("pages/compare.py", model="digits-beta-1", image=image)
    assert not page.exception
    assert not page.warning


def test_pinning_a_place_of_the_path_moves_the_shared_position(open_page, explorer):
    page = open_page("pages/interpolate.py", model="digits-beta-1", a="5", b="7", t="0.25")
    pin = next(button for button in page.button if button.label == "Pin this position")
    pin.click().run()
    pinned = [float(part) for part in page.query_params["z"].split(",")]
    start, end = explorer.atlas.mean[5], explorer.atlas.mean[7]
    assert pinned == pytest.approx((0.75 * start + 0.25 * end).tolist(), abs=2e-4)
