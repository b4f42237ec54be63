"""Reads the data sets that torchvision downloads; MNIST's files are read without torchvision.

Importing torchvision takes a second, so it is imported only when it is needed.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from vae.core.errors import DataError
from vae.core.text import error_in_one_line
from vae.data.idx import has_idx_split, read_idx_split
from vae.data.source import Source
from vae.data.splits import Split

DATA_DIR_VARIABLE = "LATENT_DATA_DIR"
_DOWNLOADING = threading.Lock()


def read_torchvision(source: Source, directory: Path, download: bool) -> tuple[Split, Split]:
    """Return the training and the test split; raise DataError if they are absent or unreadable."""
    train, test = (_read_split(source, directory, train, download) for train in (True, False))
    return train, test


def _read_split(source: Source, directory: Path, train: bool, download: bool) -> Split:
    raw = directory / source.torchvision_class / "raw"
    try:
        if has_idx_split(raw, train):
            return _as_split(source, *read_idx_split(raw, train))
        if not download and not _might_be_present(source, directory):
            raise DataError(_absent(source, directory))
        found = _read_by_torchvision(source, directory, train, download)
    except (RuntimeError, OSError, ValueError, EOFError, AssertionError) as error:
        raise DataError(
            f"{source.title} in {directory} cannot be read ({error_in_one_line(error)}); delete "
            f"its folder {source.torchvision_class} there, so that it is downloaded again"
        ) from error
    pixels = torch.as_tensor(np.asarray(found.data))  # type: ignore[attr-defined]
    return _as_split(source, pixels, torch.as_tensor(found.targets, dtype=torch.int64))  # type: ignore[attr-defined]


def _might_be_present(source: Source, directory: Path) -> bool:
    """Return whether one of the folders that torchvision searches exists."""
    folders = source.torchvision_class, "cifar-10-batches-py"
    return any((directory / folder).is_dir() for folder in folders)


def _read_by_torchvision(source: Source, directory: Path, train: bool, download: bool) -> object:
    from torchvision import datasets

    reader = getattr(datasets, source.torchvision_class)
    try:
        return reader(directory, train=train, download=False)
    except RuntimeError as error:
        if "not found" not in str(error):
            raise
    return _download(source, reader, directory, train, download)


def _download(
    source: Source, reader: Callable[..., object], directory: Path, train: bool, allowed: bool
) -> object:
    if not allowed:
        raise DataError(_absent(source, directory))
    try:
        with _DOWNLOADING, _printing_only_on_a_terminal():
            return reader(directory, train=train, download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"{_absent(source, directory)} (download: {error_in_one_line(error)})"
        ) from error


@contextmanager
def _printing_only_on_a_terminal() -> Iterator[None]:
    """Show the progress that torchvision prints on a terminal, and discard it elsewhere.

    The output streams belong to the whole process, so only the main thread redirects them: a server
    has other threads that may print at the same time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, ExitStack() as redirected:
        on_terminal = sys.stderr.isatty()
        redirected.enter_context(redirect_stdout(sys.stderr if on_terminal else nowhere))
        redirected.enter_context(redirect_stderr(sys.stderr if on_terminal else nowhere))
        yield


def _absent(source: Source, directory: Path) -> str:
    return (
        f"{source.title} is not in {directory} and was not downloaded; connect to the internet, "
        f"or put torchvision's copy of it there, or name its folder with --data-dir or "
        f"{DATA_DIR_VARIABLE}"
    )


def _as_split(source: Source, pixels: Tensor, labels: Int[Tensor, "n"]) -> Split:
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    if tuple(images.shape[1:]) != source.image_shape:
        raise DataError(
            f"{source.title} should have images of shape {source.image_shape}, but the files hold "
            f"{tuple(images.shape[1:])}; delete them, so that they are downloaded again"
        )
    return Split(images.contiguous(), labels)
