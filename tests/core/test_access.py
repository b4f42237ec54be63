"""A read-only server refuses changes, and a server reads only the folders that are listed."""

import os

import pytest

from vae.core.access import (
    FOLDERS_VARIABLE,
    READ_ONLY_VARIABLE,
    is_allowed_folder,
    is_read_only,
    refuse_if_read_only,
)
from vae.core.config import TrainConfig
from vae.core.errors import DataError, ReadOnlyError
from vae.data.registry import is_allowed_dataset, load_dataset, training_image_count
from vae.jobs.queue import TrainingQueue
from vae.runs.request import RunRequest


@pytest.mark.parametrize("word", ["1", "true", "yes", "On", "read-only"])
def test_any_word_that_does_not_mean_no_makes_a_server_read_only(monkeypatch, word):
    monkeypatch.setenv(READ_ONLY_VARIABLE, word)
    assert is_read_only()
    with pytest.raises(ReadOnlyError, match="training is switched off here"):
        refuse_if_read_only("training")


@pytest.mark.parametrize("word", [None, "", " ", "0", "False", "no", "OFF"])
def test_a_word_that_means_no_allows_changes(monkeypatch, word):
    monkeypatch.delenv(READ_ONLY_VARIABLE, raising=False)
    if word is not None:
        monkeypatch.setenv(READ_ONLY_VARIABLE, word)
    assert not is_read_only()
    refuse_if_read_only("training")


def test_the_queue_of_a_read_only_server_accepts_no_job(monkeypatch, tmp_path):
    queue = TrainingQueue(tmp_path / "checkpoints")
    request = RunRequest.of(TrainConfig("digits", epochs=1), architecture="mlp", latent_dim=2)
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    with pytest.raises(ReadOnlyError):
        queue.submit(request)
    with pytest.raises(ReadOnlyError):
        queue.submit_sweep([request])
    assert not queue.jobs
    assert not queue.sweeps
    assert not (tmp_path / "checkpoints").exists()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a folder with two listed folders, two others, and links between them."""
    for name in ("photos/cats", "photos-of-others", "other", "apart"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photos" / "out").symlink_to(tmp_path / "other")
    (tmp_path / "into").symlink_to(tmp_path / "photos" / "cats")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    listed = [str(tmp_path / "photos"), str(tmp_path / "apart")]
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join(listed))
    return tmp_path


@pytest.mark.parametrize("name", ["photos", "photos/cats", "photos/absent", "apart", "into"])
def test_listed_folders_and_everything_below_them_are_allowed(root, name):
    assert is_allowed_folder(root / name)
    assert is_allowed_dataset(f"folder:{root / name}")


@pytest.mark.parametrize(
    "name", ["", "other", "photos-of-others", "photos/../other", "photos/out", "absent", "ring"]
)
def test_every_other_folder_is_refused_whether_it_exists_or_not(root, name):
    dataset = f"folder:{root / name}"
    assert not is_allowed_dataset(dataset)
    for read in (load_dataset, training_image_count):
        with pytest.raises(DataError, match="LATENT_FOLDERS does not list"):
            read(dataset)


def test_names_that_no_folder_can_have_are_refused(root):
    assert not is_allowed_dataset("folder:\0")
    assert not is_allowed_dataset("folder:~nobody-here/photos")


def test_all_folders_are_allowed_without_the_variable_and_none_with_an_empty_one(
    tmp_path, monkeypatch
):
    monkeypatch.delenv(FOLDERS_VARIABLE, raising=False)
    assert is_allowed_folder(tmp_path)
    monkeypatch.setenv(FOLDERS_VARIABLE, "")
    assert not is_allowed_folder(tmp_path)
    assert is_allowed_dataset("mnist")
