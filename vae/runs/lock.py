"""Who trains in a run's folder: one process at a time, told by a lock that ends with it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vae.core.errors import CheckpointError
from vae.runs.run_folder import discard_empty, make_folder

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows has no such locks: there nothing is held.
    flock = None  # type: ignore[assignment]


class RunLock:
    """Held until `release`, or the end of a with block, or of the process, however it ends."""

    def __init__(self, folder: int | None) -> None:
        self._folder = folder

    @classmethod
    def acquire(cls, path: Path) -> "RunLock":
        """Make the folder where there is none; CheckpointError where somebody trains in it."""
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
                f"somebody trains in {path} at the moment; wait until that has ended, or name "
                "another folder"
            ) from error
        except OSError:
            # A file system of other machines that knows no such locks: there nothing is held.
            os.close(folder)
            return cls(None)
        return cls(folder)

    def __enter__(self) -> "RunLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others train there."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


@contextmanager
def lock_folders(folders: Iterable[Path]) -> Iterator[None]:
    """Train in all of these folders, and nobody else; CheckpointError where somebody does in one.

    Those in which nothing is left in the end are removed.
    """
    with ExitStack() as held:
        for folder in folders:
            held.enter_context(RunLock.acquire(folder))
            held.callback(discard_empty, folder)
        yield


def is_locked(path: Path) -> bool:
    """Whether a process of this machine trains in the folder, which is there."""
    try:
        RunLock.acquire(path).release()
    except CheckpointError:
        return True
    return False
