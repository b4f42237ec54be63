"""Reads and writes a folder that several machines share: a path or a URL, through fsspec.

Example:
    >>> folder = RemoteFolder.of("memory://sweep") / "beta-4"
    >>> folder.names()
    set()
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae.core.errors import CheckpointError, ConfigError
from vae.core.files import PARTIAL_SUFFIX
from vae.core.text import error_in_one_line


def is_url(text: str) -> bool:
    """Tell whether a text is a URL, such as s3://bucket/sweep, and not a path."""
    return "://" in text


@dataclass(frozen=True)
class RemoteFolder:
    """A folder on this machine or elsewhere. Readers never see a half-written file in it."""

    url: str
    """A URL, or an absolute path."""

    @classmethod
    def of(cls, text: str) -> "RemoteFolder":
        """Return the folder of a URL or a path; raise ConfigError for an unsupported URL."""
        folder = cls(text if is_url(text) else str(Path(text).expanduser().absolute()))
        try:
            _ = folder._opened
        except (ImportError, ValueError) as error:
            raise ConfigError(f"{text} cannot be written to: {error_in_one_line(error)}") from error
        return folder

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemoteFolder":
        return RemoteFolder(f"{self.url.rstrip('/')}/{name}")

    @property
    def local_path(self) -> Path | None:
        """The path of the folder on this machine; None for a URL."""
        return None if is_url(self.url) else Path(self.url)

    def make(self) -> None:
        """Make the folder; raise CheckpointError if that fails."""
        with self._translated_errors("made"):
            self._fs.makedirs(self._path, exist_ok=True)

    def names(self) -> set[str]:
        """Return the names of the files in the folder, or none if the folder does not exist.

        Raises CheckpointError if it cannot be listed or is a file.
        """
        with self._translated_errors("listed"):
            self._fs.invalidate_cache()
            if self._fs.isfile(self._path):
                raise CheckpointError(f"{self.url} is a file; name a folder for the run")
            try:
                found = self._fs.ls(self._path, detail=False)
            except FileNotFoundError:
                return set()
        return {str(path).rstrip("/").rsplit("/", 1)[-1] for path in found}

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy a file into a folder of this machine; raise CheckpointError if that fails."""
        with self._translated_errors("read"):
            self._fs.get_file(f"{self._path}/{name}", str(folder / name))
        return folder / name

    def read(self, name: str) -> bytes:
        """Return the content of a file; raise CheckpointError if that fails."""
        with self._translated_errors("read"):
            return self._fs.cat_file(f"{self._path}/{name}")

    def put(self, file: Path) -> None:
        """Copy a file into this folder under its own name, and replace an older file.

        It is written under a partial name first, because some file systems show half-written files.
        Raises CheckpointError if that fails.
        """
        target = f"{self._path}/{file.name}"
        with self._translated_errors("written to"):
            self._fs.makedirs(self._path, exist_ok=True)
            self._fs.put_file(str(file), target + PARTIAL_SUFFIX)
            self._fs.mv(target + PARTIAL_SUFFIX, target)

    def discard(self, name: str) -> None:
        """Remove a file if it exists; raise CheckpointError if that fails."""
        if name in self.names():
            with self._translated_errors("written to"):
                self._fs.rm_file(f"{self._path}/{name}")

    @property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        return url_to_fs(self.url)

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @property
    def _path(self) -> str:
        return self._opened[1].rstrip("/")

    @contextmanager
    def _translated_errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except CheckpointError:
            raise
        except Exception as error:  # Each file system behind fsspec has its own error classes.
            raise CheckpointError(
                f"{self.url} cannot be {done} ({error_in_one_line(error)}); check that it exists "
                "and that all machines may use it"
            ) from error
