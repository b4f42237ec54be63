"""What the files that people bring may take of the server's memory.

Streamlit keeps each of them until its session ends, at an address that any number of files can be
sent to. Pages read a file as soon as it is there and keep what they made of it, so the older ones
can go: of one session, and of the one that holds most where all of them hold too much.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from streamlit.runtime import Runtime, exists

if TYPE_CHECKING:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

SESSION_BYTES = 32 * 2**20
"""Of one session: three files of the largest size, and what the small ones weigh besides."""

SESSION_FILES = 32
ALL_BYTES = 512 * 2**20
"""Of all sessions together."""


def bound_uploads() -> None:
    """From the first call on, make the running server let go of what is too much."""
    if exists():
        bound(cast("MemoryUploadedFileManager", Runtime.instance().uploaded_file_mgr))


def bound(held: "MemoryUploadedFileManager") -> None:
    """Make this keeper of files let go of what is too much, each time that one comes."""
    if "add_file" in vars(held):
        return
    add = held.add_file

    def add_bounded(session_id: str, file: "UploadedFileRec") -> None:
        add(session_id=session_id, file=file)
        for session, other in _too_many(held, session_id):
            held.remove_file(session, other)

    held.add_file = add_bounded  # type: ignore[method-assign]


def _too_many(held: "MemoryUploadedFileManager", session_id: str) -> Iterator[tuple[str, str]]:
    """What is to go, by its session; the files of a session come in the order of their arrival."""
    while _is_too_much(_sizes(held, session_id)):
        yield session_id, next(iter(_sizes(held, session_id)))
    while True:
        sessions = {each: _sizes(held, each) for each in list(held.file_storage)}
        bytes_held = {each: sum(sizes.values()) for each, sizes in sessions.items()}
        if sum(bytes_held.values()) <= ALL_BYTES:
            return
        largest = max(bytes_held, key=bytes_held.__getitem__)
        yield largest, next(iter(sessions[largest]))


def _is_too_much(sizes: dict[str, int]) -> bool:
    """Whether one session holds more than it may; the file that came last always may stay."""
    return len(sizes) > 1 and (sum(sizes.values()) > SESSION_BYTES or len(sizes) > SESSION_FILES)


def _sizes(held: "MemoryUploadedFileManager", session_id: str) -> dict[str, int]:
    """Bytes of the files of a session, by their names there."""
    files = dict(held.file_storage.get(session_id, {}))
    return {name: len(file.data) for name, file in files.items()}
