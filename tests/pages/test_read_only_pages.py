"""Every page on a server for looking only: whole, without uploaders, and nothing is written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config

from pages.ui.layout import SCREENS
from vae.core.access import READ_ONLY_VARIABLE

PAGES = [screen.file for screen in SCREENS]
OFF = "is switched off, because this server is read-only"


@pytest.fixture
def root(monkeypatch, small_checkpoints, tmp_path) -> Iterator[Path]:
    """A copy of the small models; the server's limit for files is put back at the end."""
    limit = config.get_option("server.maxUploadSize")
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    shutil.copytree(small_checkpoints, tmp_path / "checkpoints")
    yield tmp_path / "checkpoints"
    config.set_option("server.maxUploadSize", limit)


def captions(page) -> str:
    return "\n".join(caption.value for caption in page.caption)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("file", PAGES)
def test_shows_all_that_it_can_and_takes_nothing(open_page, root, file):
    before = contents(root)
    page = open_page(file, checkpoints=root, a="upload", b="upload", view="sweep")
    assert not page.exception
    assert not page.warning
    assert not page.get("file_uploader")
    labels = [button.label for button in page.button]
    assert not [label for label in labels if label.startswith(("Train", "Run both", "Measure"))]
    assert config.get_option("server.maxUploadSize") == 0
    assert contents(root) == before


def test_train_shows_how_the_chosen_model_was_trained(open_page, root):
    page = open_page("pages/train.py", checkpoints=root, model="digits-beta-4")
    assert f"Training {OFF}" in captions(page)
    assert any("digits-beta-4" in text.value for text in page.main.markdown)
    assert len(page.get("plotly_chart")) == 2


def test_compare_says_why_there_is_no_sweep(open_page, root):
    page = open_page("pages/compare.py", checkpoints=root, view="sweep")
    assert f"Training {OFF}" in captions(page)
    assert not page.text_input


def test_interpolate_says_why_no_picture_can_be_uploaded(open_page, root):
    page = open_page("pages/interpolate.py", checkpoints=root, a="upload")
    assert f"The upload of pictures {OFF}" in captions(page)


def test_an_option_after_two_dashes_does_the_same(open_page, root, monkeypatch):
    monkeypatch.delenv(READ_ONLY_VARIABLE)
    monkeypatch.setattr("sys.argv", ["app.py", "--read-only"])
    page = open_page("pages/train.py", checkpoints=root)
    assert f"Training {OFF}" in captions(page)
    monkeypatch.delenv(READ_ONLY_VARIABLE)
