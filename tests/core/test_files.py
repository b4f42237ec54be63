"""An atomic write leaves the old file or the new one, and nothing else."""

import pytest

from vae.core.files import is_partial, written_atomically


def test_a_file_that_was_written_to_the_end_replaces_the_old_one(tmp_path):
    target = tmp_path / "run.json"
    target.write_text("old")
    with written_atomically(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "old"
        assert partial.parent == target.parent
        assert is_partial(partial.name)
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_while_writing_leaves_the_old_file_and_no_partial_one(tmp_path):
    target = tmp_path / "run.json"
    target.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        _write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def _write_half(target):
    with written_atomically(target) as partial:
        partial.write_text("half of the n")
        raise OSError("disk full")


@pytest.mark.parametrize("name", ["run.json.partial", ".tmpAb12"])
def test_partial_files_are_known_by_their_names(name):
    assert is_partial(name)


@pytest.mark.parametrize("name", ["run.json", "partial", "notes.tmp"])
def test_other_files_are_not_partial(name):
    assert not is_partial(name)
