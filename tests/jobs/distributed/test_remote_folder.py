"""A shared place: files there are whole or not there, on any file system that fsspec knows."""

import uuid
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from vae.core.errors import CheckpointError, ConfigError
from vae.jobs.distributed.remote_folder import RemoteFolder, is_url


@pytest.fixture(params=["path", "file", "memory"])
def place(request, tmp_path) -> RemoteFolder:
    """An empty place by path, and by two kinds of URL."""
    texts = {
        "path": str(tmp_path / "place"),
        "file": (tmp_path / "place").as_uri(),
        "memory": f"memory://{uuid.uuid4().hex}",
    }
    return RemoteFolder.of(texts[request.param])


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_files_come_back_as_they_were_put(place, tmp_path):
    assert place.names() == set()
    run = place / "beta-1"
    run.put(written(tmp_path / "from", "a.txt", "first"))
    run.put(written(tmp_path / "from", "a.txt", "second"))
    assert run.names() == {"a.txt"}
    assert place.names() == {"beta-1"}
    (tmp_path / "to").mkdir()
    assert run.fetch("a.txt", tmp_path / "to").read_text() == "second"
    assert run.read("a.txt") == b"second"
    run.discard("a.txt")
    run.discard("a.txt")
    assert run.names() == set()


def test_what_is_not_there_is_refused(place, tmp_path):
    place.make()
    with pytest.raises(CheckpointError, match="cannot be read"):
        place.fetch("a.txt", tmp_path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        place.read("a.txt")


def test_a_file_is_no_folder_for_a_run(place, tmp_path):
    place.put(written(tmp_path / "from", "a.txt", ""))
    with pytest.raises(CheckpointError, match="is a file"):
        (place / "a.txt").names()


def test_a_copy_that_breaks_off_is_not_taken_for_the_file(tmp_path, monkeypatch):
    place = RemoteFolder.of(str(tmp_path / "place"))
    place.put(written(tmp_path / "from", "a.txt", "old"))

    def breaks_off(_system, _source, target, **_options):
        Path(target).write_text("ne")
        raise OSError("the line is dead")

    monkeypatch.setattr(LocalFileSystem, "put_file", breaks_off)
    with pytest.raises(CheckpointError, match="the line is dead"):
        place.put(written(tmp_path / "from", "a.txt", "new"))
    assert place.read("a.txt") == b"old"


def test_a_path_stands_for_the_same_place_in_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(RemoteFolder.of("sweep") / "beta-1") == str(tmp_path / "sweep" / "beta-1")
    assert str(RemoteFolder.of("memory://x/") / "beta-1") == "memory://x/beta-1"


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "hdfs-nosuch://x"])
def test_urls_that_cannot_be_read_here(url):
    with pytest.raises(ConfigError, match="cannot be written to"):
        RemoteFolder.of(url)


def test_urls_and_paths():
    assert is_url("s3://bucket/x")
    assert not is_url("some/folder")
    assert not is_url("/tmp/a:b")
