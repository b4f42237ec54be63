"""Locks the folder of a run, so that only one process trains in it.

The lock is an advisory `flock` on the folder itself. The system releases it when the process ends,
however it ends. The package `filelock` is no replacement: it needs a lock file, so it cannot test a
folder that may only be read, and the file would count among the files of the run.

Example:
    >>> with RunLock.acquire(Path("checkpoints/mine")):
    ...     is_locked(Path("checkpoints/mine"))
    True
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vae.core.errors import CheckpointError
from vae.runs.run_folder import discard_empty, make_folder

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows has no flock; no folder is locked there.
    flock = None  # type: ignore[assignment]


class RunLock:
    """Holds the lock of a folder until `release`, the end of a with block, or the process's end."""

    def __init__(self, folder: int | None) -> None:
        self._folder = folder

    @classmethod
    def acquire(cls, path: Path) -> "RunLock":
        """Make the folder if it does not exist, and lock it.

        Raises CheckpointError if another process trains in it, or if it cannot be opened.
        """
        make_folder(path)
        if flock is None:
            return cls(None)
        try:
            folder = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise CheckpointError(
                f"the folder {path} cannot be opened ({error.strerror}); name another"
            ) from error
        try:
            flock(folder, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            os.close(folder)
            raise CheckpointError(
                f"another process trains in {path}; wait until it has ended, or name another folder"
            ) from error
        except OSError:
            # Some network file systems have no locks; no folder is locked there.
            os.close(folder)
            return cls(None)
        return cls(folder)

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock. Calling it again does nothing."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


@contextmanager
def lock_folders(folders: Iterable[Path]) -> Iterator[None]:
    """Lock all of these folders; in the end release them and remove those that are empty.

    Raises CheckpointError, and locks none, if another process trains in one of them.
    """
    with ExitStack() as held:
        for folder in folders:
            held.enter_context(RunLock.acquire(folder))
            held.callback(discard_empty, folder)
        yield


def is_locked(path: Path) -> bool:
    """Tell whether a process of this machine trains in an existing folder."""
    try:
        RunLock.acquire(path).release()
    except CheckpointError:
        return True
    return False
