"""Files that go or break while somebody looks: the page says so, the other models go on working."""

import json
import shutil

import pytest
import streamlit

from pages.state.models import refresh_catalogue
from pages.ui.layout import SCREENS
from tests.support.hostile_checkpoints import write_scores

PAGES = [screen.file for screen in SCREENS]


@pytest.fixture
def copies(small_checkpoints, tmp_path):
    """The small models, to be damaged."""
    return shutil.copytree(small_checkpoints, tmp_path / "checkpoints")


def contents(root) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def look_again(page, forget: bool):
    """The next view: two seconds later, or from a server that has loaded nothing yet."""
    refresh_catalogue()
    if forget:
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
    page.run()
    assert not page.exception
    assert len(page.title) == 1
    return page


def names(page) -> list[str]:
    return next(box for box in page.sidebar.selectbox if box.label == "Model").options


@pytest.mark.parametrize("file", PAGES)
def test_a_checkpoint_that_goes_or_breaks_between_two_views(open_page, copies, file):
    page = open_page(file, checkpoints=copies, model="digits-beta-1")
    assert not page.exception
    others = {k: v for k, v in contents(copies).items() if not k.startswith("digits-beta-1/")}
    broken = copies / "digits-beta-1"
    (broken / "model.safetensors").write_bytes(b"cut")
    look_again(page, forget=True)
    assert names(page) == ["digits-beta-0.5", "digits-beta-1", "digits-beta-4", "digits-map"]

    shutil.rmtree(broken)
    look_again(page, forget=False)
    assert names(page) == ["digits-beta-0.5", "digits-beta-4", "digits-map"]
    assert page.sidebar.warning
    assert contents(copies) == others


@pytest.mark.parametrize("name", ["atlas.safetensors", "model.safetensors"])
def test_a_file_that_breaks_between_the_list_and_the_model(open_page, copies, name):
    page = open_page("pages/decode.py", checkpoints=copies, model="digits-map")
    streamlit.cache_resource.clear()
    (copies / "digits-beta-4" / name).write_bytes(b"{")
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-beta-4").run()
    assert not page.exception
    (warning,) = page.warning
    assert name in warning.value.replace("\\", "")
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-map").run()
    assert not page.exception
    assert not page.warning


def test_a_slider_moves_on_after_the_folder_is_gone(open_page, copies):
    page = open_page("pages/interpolate.py", checkpoints=copies, model="digits-map", a="5")
    shutil.rmtree(copies / "digits-map")
    page.segmented_control[0].set_value("data").run()
    assert not page.exception
    assert not page.warning


def test_what_a_study_kept_is_broken(open_page, copies):
    for name in ("few-labels-digits.json", "few-data-digits.json"):
        (copies / name).write_text('{"format": "latent-explorer-outcome", "format_version": 1')
    page = open_page("pages/few_labels.py", checkpoints=copies)
    assert not page.exception
    assert "few-labels-digits.json is not complete JSON" in page.warning[0].value
    (copies / "few-labels-digits.json").write_bytes(b"\xff" * 100)
    look_again(page, forget=False)
    (copies / "few-labels-digits.json").unlink()
    look_again(page, forget=False)
    assert not page.warning


def test_scores_that_are_broken_leave_the_comparison_standing(open_page, copies):
    damage = {"digits-beta-0.5": "{", "digits-beta-1": "[]", "digits-beta-4": "null"}
    for name, text in damage.items():
        (copies / name / "scores.json").write_text(text)
    page = open_page("pages/compare.py", checkpoints=copies, view="measures")
    assert not page.exception
    assert sum("scores.json" in warning.value for warning in page.warning) == 3


def test_scores_that_somebody_else_wrote_are_not_obeyed(open_page, copies):
    for name in ("digits-beta-0.5", "digits-beta-1", "digits-beta-4"):
        write_scores(copies / name)
    page = open_page("pages/compare.py", checkpoints=copies, view="measures")
    assert not page.exception
    (caption,) = (caption.value for caption in page.caption if "These scores rate" in caption.value)
    assert r"of !\[x\](http\://x.example/x.png) test images" in caption


def test_hostile_numbers_break_no_page(open_page, copies):
    record = json.loads((copies / "digits-map" / "run.json").read_text())
    record["results"] |= {
        "test_distortion": 1.7e308,
        "test_rate": -1.7e308,
        "test_elbo": 0,
        "seconds": -1,
        "epochs_trained": 1e300,
        "test_rate_per_dimension": [1.7e308, -1.7e308],
    }
    (copies / "digits-map" / "run.json").write_text(json.dumps(record))
    for file in ("app.py", "pages/decode.py", "pages/map.py"):
        page = open_page(file, checkpoints=copies, model="digits-map")
        assert not page.exception
