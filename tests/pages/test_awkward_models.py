"""Every page over models that are allowed but unusual."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pages.ui.layout import SCREENS
from vae.data import registry
from vae.runs.checkpoint import load_run

PAGES = [screen.file for screen in SCREENS]


def train_on_folder(path, folder, latent_dim=2, likelihood="bernoulli"):
    """A model of a folder's images, grey, 8x8."""
    from vae.core.config import ModelConfig, TrainConfig
    from vae.core.device import pick_device
    from vae.data.registry import load_dataset
    from vae.runs.recorder import RecordedTraining

    dataset = load_dataset(f"folder:{folder}", folder_side=8)
    model = ModelConfig(dataset.image_shape, latent_dim, likelihood=likelihood)
    train = TrainConfig(f"folder:{folder}", epochs=1, batch_size=8)
    recorded = RecordedTraining.start(path, model, train, dataset, pick_device("cpu"))
    for _ in recorded.run():
        pass
    recorded.finish()


def write_images(folder, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    for i, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (count, 8, 8))):
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def awkward(tmp_path_factory):
    """No classes at all, a class without test images, one dimension, a density, a folder gone."""
    root, images = tmp_path_factory.mktemp("awkward"), tmp_path_factory.mktemp("images")
    write_images(images / "flat", 22, seed=0)
    write_images(images / "classes" / "a", 25, seed=1)
    write_images(images / "classes" / "b", 1, seed=2)
    shutil.copytree(images / "flat", images / "gone")
    train_on_folder(root / "flat", images / "flat")
    train_on_folder(root / "classes", images / "classes", latent_dim=3)
    train_on_folder(root / "line", images / "flat", latent_dim=1)
    train_on_folder(root / "density", images / "flat", likelihood="gaussian")
    train_on_folder(root / "gone", images / "gone")
    shutil.rmtree(images / "gone")
    return root


@pytest.mark.parametrize("file", PAGES)
@pytest.mark.parametrize("name", ["flat", "classes", "line", "density", "gone"])
def test_renders_without_exception(open_page, awkward, file, name):
    page = open_page(file, checkpoints=awkward, model=name)
    assert not page.exception
    for fold in ("decode-start-open", "compare-image-open"):
        page.session_state[fold] = True
    page.run()
    assert not page.exception
    assert not page.warning


@pytest.mark.parametrize(
    ("is_shared", "named", "is_read"),
    [(False, None, True), (True, None, False), (True, "images", True), (True, "images/cla", False)],
)
def test_where_others_reach_the_server_no_folder_is_read_that_was_not_named(
    open_page, awkward, monkeypatch, is_shared, named, is_read
):
    read, read_folder = [], registry.read_folder
    monkeypatch.setattr(
        registry, "read_folder", lambda *how: (read.append(how), read_folder(*how))[1]
    )
    folder = Path(load_run(awkward / "flat").train.dataset.removeprefix("folder:"))
    if is_shared:
        monkeypatch.setattr("pages.server.access.LOCAL_ADDRESSES", ())
    if named:
        monkeypatch.setenv("LATENT_FOLDERS", str(folder.parent / named.removeprefix("images")[1:]))
    page = open_page("pages/decode.py", checkpoints=awkward, model="flat")
    page.session_state["decode-start-open"] = True
    page.run()
    assert not page.exception
    assert bool(read) == is_read
    said = " ".join(each.value for each in page.caption)
    assert ("flat is a folder that LATENT_FOLDERS of this server does not name" in said) != is_read


def test_a_folder_that_is_gone_offers_no_download(open_page, awkward):
    page = open_page("pages/interpolate.py", checkpoints=awkward, model="gone")
    assert any("is not on this machine" in caption.value for caption in page.caption)
    assert not any(button.label.startswith("Download") for button in page.button)


def test_home_shows_the_others_beside_a_damaged_model(open_page, small_checkpoints, tmp_path):
    for run in small_checkpoints.iterdir():
        shutil.copytree(run, tmp_path / run.name)
    (tmp_path / "digits-map" / "model.safetensors").write_bytes(b"damaged")
    (tmp_path / "digits-beta-4" / "run.json").write_text("{")
    page = open_page("app.py", checkpoints=tmp_path, model="digits-beta-1")
    assert not page.exception
    assert "compare-digits-beta-0.5" in [button.key for button in page.button]
    messages = " ".join(warning.value for warning in page.warning)
    assert "sha256" in messages
    assert "not complete JSON" in messages


def test_a_failed_download_leaves_the_page_standing(open_page, small_checkpoints, monkeypatch):
    from vae.core.errors import DataError

    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)
    monkeypatch.setattr("vae.data.registry.load_dataset", absent)
    page = open_page("pages/interpolate.py")
    download = next(button for button in page.button if button.label.startswith("Download"))
    download.click().run()
    assert not page.exception
    assert page.warning[0].value == "It is not here."
    assert any("Pixel blend" in text.value for text in page.markdown)


def test_two_folds_on_a_page_both_offer_the_download(open_page, monkeypatch):
    from vae.core.errors import DataError

    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr("vae.explorer.gallery.load_test_split", absent)
    page = open_page("pages/attributes.py")
    page.session_state["attribute-start-open"] = True
    page.run()
    assert not page.exception
    assert sum(button.label.startswith("Download") for button in page.button) == 2


def test_a_changed_link_moves_the_position_and_another_model_drops_it(open_page):
    page = open_page("pages/decode.py", model="digits-map", z="0.5,-1.25")
    page.query_params["z"] = "1,2"
    page.run()
    assert page.query_params["z"] == "1,2"
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-beta-1").run()
    assert "z" not in page.query_params
    picker = next(box for box in page.sidebar.selectbox if box.label == "Model")
    picker.set_value("digits-map").run()
    assert page.query_params["z"] == "1,2"


def test_a_queued_job_is_cancelled_at_once(open_page, tmp_path):
    page = open_page("pages/train.py", checkpoints=tmp_path)
    for seed in (0, 1):
        page.number_input(key="epochs-5 seconds").set_value(1000)
        page.number_input(key="seed-5 seconds").set_value(seed)
        next(button for button in page.button if button.label == "Train").click().run()
    assert not page.exception
    next(button for button in page.button if button.label == "Cancel").click().run()
    assert not page.exception
    assert any(box.label == "Run on this server" for box in page.selectbox)
    from pages.state.training_queue import training_queue

    assert training_queue().jobs[1].status == "stopped"
    for job in training_queue().jobs:
        training_queue().stop(job)
