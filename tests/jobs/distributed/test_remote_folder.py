"""Tests that a shared folder never shows half-written files, on several file systems."""

import uuid
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from vae.core.errors import CheckpointError, ConfigError
from vae.jobs.distributed.remote_folder import RemoteFolder, is_url


@pytest.fixture(params=["path", "file", "memory"])
def folder(request, tmp_path) -> RemoteFolder:
    """Return an empty folder by path, and by two kinds of URL."""
    texts = {
        "path": str(tmp_path / "folder"),
        "file": (tmp_path / "folder").as_uri(),
        "memory": f"memory://{uuid.uuid4().hex}",
    }
    return RemoteFolder.of(texts[request.param])


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_file_reads_back_as_it_was_written(folder, tmp_path):
    assert folder.names() == set()
    run = folder / "beta-1"
    run.put(written(tmp_path / "from", "a.txt", "first"))
    run.put(written(tmp_path / "from", "a.txt", "second"))
    assert run.names() == {"a.txt"}
    assert folder.names() == {"beta-1"}
    (tmp_path / "to").mkdir()
    assert run.fetch("a.txt", tmp_path / "to").read_text() == "second"
    assert run.read("a.txt") == b"second"
    run.discard("a.txt")
    run.discard("a.txt")
    assert run.names() == set()


def test_reading_a_missing_file_is_refused(folder, tmp_path):
    folder.make()
    with pytest.raises(CheckpointError, match="cannot be read"):
        folder.fetch("a.txt", tmp_path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        folder.read("a.txt")


def test_a_file_is_refused_as_the_folder_of_a_run(folder, tmp_path):
    folder.put(written(tmp_path / "from", "a.txt", ""))
    with pytest.raises(CheckpointError, match="is a file"):
        (folder / "a.txt").names()


def test_a_copy_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    folder = RemoteFolder.of(str(tmp_path / "folder"))
    folder.put(written(tmp_path / "from", "a.txt", "old"))

    def breaks_off(_system, _source, target, **_options):
        Path(target).write_text("ne")
        raise OSError("the line is dead")

    monkeypatch.setattr(LocalFileSystem, "put_file", breaks_off)
    with pytest.raises(CheckpointError, match="the line is dead"):
        folder.put(written(tmp_path / "from", "a.txt", "new"))
    assert folder.read("a.txt") == b"old"


def test_a_path_names_the_same_folder_from_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(RemoteFolder.of("sweep") / "beta-1") == str(tmp_path / "sweep" / "beta-1")
    assert str(RemoteFolder.of("memory://x/") / "beta-1") == "memory://x/beta-1"


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "hdfs-nosuch://x"])
def test_urls_of_unknown_protocols_are_refused(url):
    with pytest.raises(ConfigError, match="cannot be written to"):
        RemoteFolder.of(url)


def test_urls_are_told_from_paths():
    assert is_url("s3://bucket/x")
    assert not is_url("some/folder")
    assert not is_url("/tmp/a:b")
