"""What the files that people bring may take of the memory: of one session, and of all together."""

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.server import upload_limits


@pytest.fixture
def held(monkeypatch) -> MemoryUploadedFileManager:
    """One that holds 30 bytes a session, in 4 files, and 50 in all."""
    monkeypatch.setattr(upload_limits, "SESSION_BYTES", 30)
    monkeypatch.setattr(upload_limits, "SESSION_FILES", 4)
    monkeypatch.setattr(upload_limits, "ALL_BYTES", 50)
    found = MemoryUploadedFileManager("/upload")
    upload_limits.limit(found)
    upload_limits.limit(found)
    return found


def bring(held, session: str, name: str, size: int) -> None:
    held.add_file(session_id=session, file=UploadedFileRec(name, name, "image/png", bytes(size)))


def names(held, session: str) -> list[str]:
    return list(held.file_storage[session])


def test_the_older_files_of_a_session_go_first(held):
    for name in "abcd":
        bring(held, "one", name, 10)
    assert names(held, "one") == ["b", "c", "d"]
    bring(held, "one", "e", 25)
    assert names(held, "one") == ["e"]


def test_the_latest_file_stays_however_large(held):
    bring(held, "one", "a", 45)
    assert names(held, "one") == ["a"]


def test_small_files_have_a_number(held):
    for name in "abcdef":
        bring(held, "one", name, 0)
    assert names(held, "one") == ["c", "d", "e", "f"]


def test_of_all_sessions_the_one_that_holds_most_lets_go(held):
    for session in ("greedy", "modest"):
        for name in "ab":
            bring(held, session, name, 14 if session == "greedy" else 10)
    bring(held, "third", "a", 3)
    assert (names(held, "greedy"), names(held, "modest")) == (["b"], ["a", "b"])
    assert names(held, "third") == ["a"]
