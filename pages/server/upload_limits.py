"""Limits the memory that uploaded files may take.

Streamlit keeps every uploaded file until its session ends, and its upload address accepts any
number of files. The pages read a file as soon as it arrives and keep their own copy, so older files
can be deleted. A session above its own limit loses its oldest files first. When all sessions
together exceed theirs, the session that holds the most loses its oldest files.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from streamlit.runtime import Runtime, exists

if TYPE_CHECKING:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

SESSION_BYTES = 32 * 2**20
"""Limit of one session: three files of the largest size, and some small ones."""

SESSION_FILES = 32
ALL_BYTES = 512 * 2**20
"""Limit of all sessions together."""


def limit_uploads() -> None:
    """Make the running server delete old uploads above the limits; further calls do nothing."""
    if exists():
        limit(cast("MemoryUploadedFileManager", Runtime.instance().uploaded_file_mgr))


def limit(files: "MemoryUploadedFileManager") -> None:
    """Make a file manager delete old files above the limits whenever a file arrives."""
    if "add_file" in vars(files):
        return
    add = files.add_file

    def add_within_limits(session_id: str, file: "UploadedFileRec") -> None:
        add(session_id=session_id, file=file)
        for session, other in _files_to_delete(files, session_id):
            files.remove_file(session, other)

    files.add_file = add_within_limits  # type: ignore[method-assign]


def _files_to_delete(
    files: "MemoryUploadedFileManager", session_id: str
) -> Iterator[tuple[str, str]]:
    """Yield (session, file) pairs to delete; a session lists its files in order of arrival."""
    while _exceeds_limit(_sizes(files, session_id)):
        yield session_id, next(iter(_sizes(files, session_id)))
    while True:
        sessions = {each: _sizes(files, each) for each in list(files.file_storage)}
        total = {each: sum(sizes.values()) for each, sizes in sessions.items()}
        if sum(total.values()) <= ALL_BYTES:
            return
        largest = max(total, key=total.__getitem__)
        yield largest, next(iter(sessions[largest]))


def _exceeds_limit(sizes: dict[str, int]) -> bool:
    """Return whether one session holds too much; its newest file is always allowed."""
    return len(sizes) > 1 and (sum(sizes.values()) > SESSION_BYTES or len(sizes) > SESSION_FILES)


def _sizes(files: "MemoryUploadedFileManager", session_id: str) -> dict[str, int]:
    """Return the bytes of each file of a session, by the file's identifier."""
    found = dict(files.file_storage.get(session_id, {}))
    return {name: len(file.data) for name, file in found.items()}
