"""What holds for every page: it renders, it has its picker, it stays calm."""

import shutil

import pytest

from pages.ui.layout import SCREENS

PAGES = [screen.file for screen in SCREENS]


@pytest.mark.parametrize("file", PAGES)
def test_renders_without_exception_under_its_title(open_page, file):
    page = open_page(file)
    assert not page.exception
    assert not page.warning
    assert len(page.title) == 1


@pytest.mark.parametrize("file", PAGES)
def test_has_the_model_picker_with_every_model(open_page, file):
    page = open_page(file)
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    assert picker.options == ["digits-beta-0.5", "digits-beta-1", "digits-beta-4", "digits-map"]
    assert picker.value == "digits-map"


@pytest.mark.parametrize("file", PAGES)
def test_a_link_opens_the_model_that_it_names(open_page, file):
    page = open_page(file, model="digits-beta-4")
    assert not page.exception
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    assert picker.value == "digits-beta-4"


@pytest.mark.parametrize("file", PAGES)
@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", ""])
def test_a_link_to_no_model_is_answered_calmly(open_page, file, name):
    page = open_page(file, model=name)
    assert not page.exception
    assert page.sidebar.warning


@pytest.mark.parametrize("file", PAGES)
def test_without_any_model_it_offers_training(open_page, file, tmp_path):
    page = open_page(file, checkpoints=tmp_path / "nothing")
    assert not page.exception
    assert page.info


@pytest.mark.parametrize("file", PAGES)
def test_a_model_whose_weights_are_damaged_is_named_in_one_sentence(
    open_page, file, small_checkpoints, tmp_path
):
    shutil.copytree(small_checkpoints / "digits-map", tmp_path / "digits-map")
    (tmp_path / "digits-map" / "model.safetensors").write_bytes(b"damaged")
    page = open_page(file, checkpoints=tmp_path)
    assert not page.exception
    if file != "pages/train.py":
        assert "sha256" in page.warning[0].value


def test_choosing_a_model_writes_it_into_the_link(open_page):
    page = open_page("pages/lab.py")
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-beta-1").run()
    assert page.query_params["model"] == "digits-beta-1"
    assert "β 1" in "\n".join(caption.value for caption in page.sidebar.caption)
