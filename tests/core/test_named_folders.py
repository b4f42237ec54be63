"""Which folders of images a server reads: those that were named, and what lies below them."""

import os

import pytest

from vae.core.errors import DataError
from vae.core.named_folders import FOLDERS_VARIABLE, is_named
from vae.data.registry import load_dataset, may_be_read, training_images


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Two folders that are named, and what leads into them and out of them."""
    for name in ("photos/cats", "photos-of-others", "other", "apart"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photos" / "out").symlink_to(tmp_path / "other")
    (tmp_path / "into").symlink_to(tmp_path / "photos" / "cats")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    names = [str(tmp_path / "photos"), str(tmp_path / "apart")]
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join(names))
    return tmp_path


@pytest.mark.parametrize("name", ["photos", "photos/cats", "photos/absent", "apart", "into"])
def test_what_was_named_may_be_read(there, name):
    assert is_named(there / name)
    assert may_be_read(f"folder:{there / name}")


@pytest.mark.parametrize(
    "name", ["", "other", "photos-of-others", "photos/../other", "photos/out", "absent", "ring"]
)
def test_nothing_else_is_looked_at_whether_it_is_there_or_not(there, name):
    dataset = f"folder:{there / name}"
    assert not may_be_read(dataset)
    for read in (load_dataset, training_images):
        with pytest.raises(DataError, match="has not named in LATENT_FOLDERS, so it is not read"):
            read(dataset)


def test_names_that_no_folder_can_have_are_not_named(there):
    assert not may_be_read("folder:\0")
    assert not may_be_read("folder:~nobody-here/photos")


def test_without_the_variable_any_folder_may_be_read_and_with_none_in_it_no_folder(
    tmp_path, monkeypatch
):
    assert is_named(tmp_path)
    monkeypatch.setenv(FOLDERS_VARIABLE, "")
    assert not is_named(tmp_path)
    assert may_be_read("mnist")
