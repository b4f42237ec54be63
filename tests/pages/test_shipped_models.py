"""Every page over the models that ship, as a fresh clone without any data set shows them."""

from pathlib import Path

import pytest

from pages.ui.layout import SCREENS

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
SHIPPED = sorted(run.parent.name for run in CHECKPOINTS.glob("*/run.json"))


def test_the_models_that_the_readme_promises_are_there():
    family = {f"mnist-beta-{beta}" for beta in ("0.5", "1", "2", "4", "10")}
    any_beta = {"mnist-any-beta", "mnist-map-any-beta", "sprites-any-beta"}
    assert {"mnist-map", "mnist-tutorial", "mnist-best"} | family | any_beta <= set(SHIPPED)


@pytest.fixture
def without_data(monkeypatch, tmp_path):
    """No data set anywhere."""
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "nothing"))


@pytest.mark.parametrize("file", [screen.file for screen in SCREENS])
def test_opens_on_the_first_model(open_page, without_data, file):
    page = open_page(file, checkpoints=CHECKPOINTS)
    assert not page.exception
    assert not page.warning
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    assert set(picker.options) == set(SHIPPED) - {"mnist-classifier"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n in SHIPPED if n.startswith("mnist") and n != "mnist-classifier"]
)
def test_every_model_shows_reconstructions_and_offers_the_download(open_page, without_data, name):
    page = open_page("pages/interpolate.py", checkpoints=CHECKPOINTS, model=name)
    assert not page.exception
    assert any("is not on this machine" in caption.value for caption in page.caption)
    assert any(button.label.startswith("Download") for button in page.button)
