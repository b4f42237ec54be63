"""The data sets, by name: each a training, a validation and a test split of uint8 images.

`digits` is bundled with scikit-learn; `mnist`, `fashion-mnist`, `kmnist` and `cifar10` are read by
torchvision, which downloads them when they are absent; `folder:PATH` is a person's own images.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.errors import DataError
from vae.folder import FOLDER_SIDE, read_folder

DATA_DIR_VARIABLE = "LATENT_DATA_DIR"
FOLDER_PREFIX = "folder:"
_DOWNLOADING = threading.Lock()
SPLIT_SEED = 0
"""Splits that a data set does not come with are drawn with this seed, the same for every run."""


@dataclass(frozen=True)
class Split:
    """Images and labels of one split, on one device."""

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Int[Tensor, "batch"]) -> Float[Tensor, "batch c h w"]:
        """The chosen images as float32 pixels in [0, 1]."""
        return self.images.index_select(0, indices).to(torch.float32).div_(255)

    def head(self, count: int) -> "Split":
        """The first images and labels."""
        return Split(self.images[:count], self.labels[:count])

    def to(self, device: torch.device | str) -> "Split":
        """The same split on another device, whole."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on; the validation split is part of no other."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


@dataclass(frozen=True)
class _Source:
    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    read: Callable[["_Source", Path, bool], tuple[Split, Split]]
    torchvision_class: str = ""


def data_dir(explicit: str | Path | None = None) -> Path:
    """Where data sets lie: the argument, else LATENT_DATA_DIR, else a per-user cache."""
    chosen = explicit or os.environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("latent-explorer", appauthor=False)


def dataset_names() -> list[str]:
    """The names of the data sets that need no path."""
    return list(_SOURCES)


def dataset_title(name: str) -> str:
    """A data set's name as people write it."""
    if name in _SOURCES:
        return _SOURCES[name].title
    return Path(name.removeprefix(FOLDER_PREFIX)).name or name


def class_names(name: str) -> tuple[str, ...]:
    """The classes of a registered data set; none for a folder, which is not read."""
    return _SOURCES[name].class_names if name in _SOURCES else ()


def check_dataset_name(name: str) -> None:
    """Raise DataError for a name that no data set has."""
    if name.startswith(FOLDER_PREFIX) and not name.removeprefix(FOLDER_PREFIX).strip():
        raise DataError("folder: needs a path after the colon, such as folder:photos")
    if name not in _SOURCES and not name.startswith(FOLDER_PREFIX):
        raise DataError(
            f"there is no data set {name!r}; choose one of {', '.join(_SOURCES)} or folder:PATH"
        )


def load_dataset(
    name: str,
    directory: str | Path | None = None,
    *,
    validation_fraction: float = 0.05,
    image_shape: tuple[int, int, int] | None = None,
    folder_side: int = FOLDER_SIDE,
    download: bool = True,
) -> Dataset:
    """Read a data set and split it.

    `directory` is resolved by `data_dir`. A folder's images are made into squares of `folder_side`
    pixels, grey where all of them are; `image_shape`, where it is given, decides both, and must be
    their own shape for the other data sets.
    With `download` false nothing is fetched. The validation split is a fixed random share of the
    training images (see SPLIT_SEED);
    Raises DataError where the data set is absent, unreadable or of another shape.
    """
    check_dataset_name(name)
    if name.startswith(FOLDER_PREFIX):
        channels, side = image_shape[:2] if image_shape else (None, folder_side)
        return _load_folder(name, validation_fraction, side, channels)
    source = _SOURCES[name]
    if image_shape is not None and image_shape != source.image_shape:
        raise DataError(
            f"{name} has images of shape {source.image_shape}, but {image_shape} was asked for; "
            "choose a model that was trained on images of that shape"
        )
    train, test = source.read(source, data_dir(directory), download)
    return _with_validation(name, source.class_names, train, test, validation_fraction)


def _load_folder(name: str, validation_fraction: float, side: int, channels: int | None) -> Dataset:
    found = read_folder(Path(name.removeprefix(FOLDER_PREFIX)).expanduser(), side, channels)
    images, labels = torch.from_numpy(found.images), torch.from_numpy(found.labels)
    is_test = torch.from_numpy(found.is_test)
    train, test = Split(images[~is_test], labels[~is_test]), Split(images[is_test], labels[is_test])
    return _with_validation(name, found.class_names, train, test, validation_fraction)


def _with_validation(
    name: str, classes: tuple[str, ...], train: Split, test: Split, fraction: float
) -> Dataset:
    held_out = int(len(train) * fraction)
    order = _shuffled(len(train))
    chosen, rest = order[:held_out].sort().values, order[held_out:].sort().values
    return Dataset(
        name,
        classes,
        train=Split(train.images[rest], train.labels[rest]),
        validation=Split(train.images[chosen], train.labels[chosen]),
        test=test,
    )


def _shuffled(count: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(SPLIT_SEED))


def _read_digits(source: _Source, directory: Path, download: bool) -> tuple[Split, Split]:
    from sklearn.datasets import load_digits

    bundled = load_digits()
    pixels = np.rint(bundled.images * (255 / 16)).astype(np.uint8)[:, None]
    images, labels = torch.from_numpy(pixels), torch.from_numpy(bundled.target.astype(np.int64))
    order = _shuffled(len(images))
    test, train = order[:360], order[360:]
    return Split(images[train], labels[train]), Split(images[test], labels[test])


def _read_torchvision(source: _Source, directory: Path, download: bool) -> tuple[Split, Split]:
    return tuple(_torchvision_split(source, directory, train, download) for train in (True, False))  # type: ignore[return-value]


def _torchvision_split(source: _Source, directory: Path, train: bool, download: bool) -> Split:
    from torchvision import datasets

    reader = getattr(datasets, source.torchvision_class)
    try:
        found = reader(directory, train=train, download=False)
    except (RuntimeError, OSError, ValueError, EOFError, AssertionError) as error:
        if "not found" in str(error):
            return _from_torchvision(_download(source, reader, directory, train, download), source)
        raise DataError(
            f"{source.title} in {directory} cannot be read ({_in_one_line(error)}); delete its "
            f"{source.torchvision_class} folder there, so that it is fetched afresh"
        ) from error
    return _from_torchvision(found, source)


def _download(
    source: _Source, reader: Callable, directory: Path, train: bool, allowed: bool
) -> object:
    if not allowed:
        raise DataError(_absent(source, directory))
    try:
        with _DOWNLOADING, _printing_only_on_a_terminal():
            return reader(directory, train=train, download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"{_absent(source, directory)} (download: {_in_one_line(error)})"
        ) from error


@contextmanager
def _printing_only_on_a_terminal() -> Iterator[None]:
    """torchvision prints while it downloads: progress to a person, noise to a program.

    Only on the main thread: the streams are the whole process's, and a server has others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, ExitStack() as redirected:
        on_terminal = sys.stderr.isatty()
        redirected.enter_context(redirect_stdout(sys.stderr if on_terminal else nowhere))
        redirected.enter_context(redirect_stderr(sys.stderr if on_terminal else nowhere))
        yield


def _absent(source: _Source, directory: Path) -> str:
    return (
        f"{source.title} is not in {directory} and was not downloaded; connect to the internet, "
        f"or put torchvision's copy of it there, or name its folder with --data-dir or "
        f"{DATA_DIR_VARIABLE}"
    )


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _from_torchvision(found: object, source: _Source) -> Split:
    pixels = torch.as_tensor(np.asarray(found.data))  # type: ignore[attr-defined]
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    if tuple(images.shape[1:]) != source.image_shape:
        raise DataError(
            f"{source.title} should have images of shape {source.image_shape}, but the files hold "
            f"{tuple(images.shape[1:])}; delete them, so that they are fetched afresh"
        )
    return Split(images.contiguous(), torch.as_tensor(found.targets, dtype=torch.int64))  # type: ignore[attr-defined]


_GREY_28 = (1, 28, 28)
_TEN_DIGITS = tuple(str(digit) for digit in range(10))

_SOURCES = {
    "digits": _Source("Digits (8x8)", (1, 8, 8), _TEN_DIGITS, _read_digits),
    "mnist": _Source("MNIST", _GREY_28, _TEN_DIGITS, _read_torchvision, "MNIST"),
    "fashion-mnist": _Source(
        "Fashion-MNIST",
        _GREY_28,
        tuple("T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot".split()),
        _read_torchvision,
        "FashionMNIST",
    ),
    "kmnist": _Source(
        "Kuzushiji-MNIST",
        _GREY_28,
        tuple("o ki su tsu na ha ma ya re wo".split()),
        _read_torchvision,
        "KMNIST",
    ),
    "cifar10": _Source(
        "CIFAR-10",
        (3, 32, 32),
        tuple("airplane automobile bird cat deer dog frog horse ship truck".split()),
        _read_torchvision,
        "CIFAR10",
    ),
}
