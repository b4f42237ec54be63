"""The data sets, by name: each a training, a validation and a test split of uint8 images.

`digits` is bundled with scikit-learn; `mnist`, `fashion-mnist`, `kmnist` and `cifar10` are read by
torchvision, which downloads them when they are absent; `sprites` and `sprites:OPTIONS` are drawn
here, of known factors; `folder:PATH` is a person's own images. All but the last two can be narrowed
to some of their classes, as in `mnist:only=3` (see `vae.class_choice`).
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.class_choice import ClassChoice, is_narrowed, read_class_choice, whole_name
from vae.errors import ConfigError, DataError
from vae.folder import FOLDER_SIDE, FolderImages, read_folder
from vae.record import Record
from vae.sprites import SPRITES, SpriteSet, is_sprites, read_sprite_set

DATA_DIR_VARIABLE = "LATENT_DATA_DIR"
FOLDER_PREFIX = "folder:"
MAX_LEVELS = 32_000
_DOWNLOADING = threading.Lock()
SPLIT_SEED = 0
"""Splits that a data set does not come with are drawn with this seed, the same for every run."""


@dataclass(frozen=True)
class Factor(Record):
    """One thing that varies between the images of a data set that knows what made them."""

    name: str
    size: int
    """How many levels it has."""

    def __post_init__(self) -> None:
        is_whole = isinstance(self.size, int) and not isinstance(self.size, bool)
        if not isinstance(self.name, str) or not is_whole or not 1 <= self.size <= MAX_LEVELS:
            raise ConfigError(
                f"Factor: expected a name and 1 to {MAX_LEVELS} levels, found {self.name!r:.40} "
                f"with {self.size!r:.40}"
            )


@dataclass(frozen=True)
class Split:
    """Images, labels and, where they are known, factors of one split, on one device."""

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, "n"]
    factors: Int[Tensor, "n factors"] | None = None
    """The level of each of the data set's factors, counted from 0."""

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Int[Tensor, "batch"]) -> Float[Tensor, "batch c h w"]:
        """The chosen images as float32 pixels in [0, 1]."""
        return self.images.index_select(0, indices).to(torch.float32).div_(255)

    def head(self, count: int) -> "Split":
        """The first images with their labels and factors."""
        return self._each(lambda values: values[:count])

    def pick(self, indices: Int[Tensor, "m"]) -> "Split":
        """The chosen images with their labels and factors."""
        return self._each(lambda values: values[indices])

    def to(self, device: torch.device | str) -> "Split":
        """The same split on another device, whole."""
        return self._each(lambda values: values.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Split":
        factors = None if self.factors is None else change(self.factors)
        return Split(change(self.images), change(self.labels), factors)


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on; the validation split is part of no other."""

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    factors: tuple[Factor, ...] = ()
    """What made the images, in the order of the splits' columns; none where it is not known."""

    trained_labels: tuple[int, ...] | None = None
    """The classes of the training and validation images, where these were narrowed to some.

    The test split is whole all the same: what models of such a data set are tested for is whether
    they tell the other classes from their own.
    """

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @property
    def own_test(self) -> Split:
        """The test images of the classes that are trained on, which the reported losses are of."""
        return own_part(self.test, self.trained_labels)

    def to(self, device: torch.device | str) -> "Dataset":
        """The same data set on another device, whole: what trains together shares it."""
        splits = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **splits)


@dataclass(frozen=True)
class _Source:
    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    read: Callable[["_Source", Path, bool], tuple[Split, Split]]
    torchvision_class: str = ""
    factors: tuple[Factor, ...] = ()
    choice: ClassChoice | None = None
    """Of a data set narrowed to some classes."""


def data_dir(explicit: str | Path | None = None) -> Path:
    """Where data sets lie: the argument, else LATENT_DATA_DIR, else a per-user cache."""
    chosen = explicit or os.environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("latent-explorer", appauthor=False)


def dataset_names() -> list[str]:
    """The names of the data sets that need no path."""
    return [*_SOURCES, SPRITES]


def dataset_title(name: str) -> str:
    """A data set's name as people write it."""
    source = _source_if_known(name)
    if source is not None:
        return source.title
    return Path(name.removeprefix(FOLDER_PREFIX)).name or name


def class_names(name: str) -> tuple[str, ...]:
    """The classes of a registered data set; none for a folder, which is not read."""
    source = _source_if_known(name)
    return () if source is None else source.class_names


def trained_labels(name: str) -> tuple[int, ...] | None:
    """The classes that a narrowed data set is narrowed to; None of any other name."""
    source = _source_if_known(name)
    return None if source is None or source.choice is None else source.choice.labels


def own_part(split: Split, labels: tuple[int, ...] | None) -> Split:
    """The images of these classes; all of them where that is None."""
    if labels is None:
        return split
    chosen = torch.isin(split.labels, torch.tensor(labels, device=split.labels.device))
    return split.pick(chosen.nonzero().flatten())


def image_shape_of(name: str, folder_side: int = FOLDER_SIDE) -> tuple[int, int, int]:
    """Channels, height, width before anything is read; of a folder as if it were in colour.

    DataError for a name that no data set has.
    """
    check_dataset_name(name)
    if name.startswith(FOLDER_PREFIX):
        return 3, folder_side, folder_side
    return _source(name).image_shape


def needs_download(name: str) -> bool:
    """Whether the data set is one that torchvision fetches."""
    source = _source_if_known(name)
    return source is not None and source.torchvision_class != ""


def check_dataset_name(name: str) -> None:
    """Raise DataError for a name that no data set has."""
    if name.startswith(FOLDER_PREFIX) and not name.removeprefix(FOLDER_PREFIX).strip():
        raise DataError("folder: needs a path after the colon, such as folder:photos")
    if not name.startswith(FOLDER_PREFIX):
        _source(name)


def check_labels(dataset: Dataset, classes: int) -> None:
    """DataError unless every image has one of so many labels, counted from 0."""
    labels = torch.cat([getattr(dataset, s).labels for s in ("train", "validation", "test")])
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
        raise DataError(
            f"{dataset.name} has images whose label is not one of {classes} classes; a model that "
            "is told labels needs one for each image, in a folder one sub-folder a class"
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
    source = _source(name)
    _check_image_shape(name, source, image_shape)
    train, test = source.read(source, data_dir(directory), download)
    labels = source.choice.labels if source.choice else None
    whole = _with_validation(
        name,
        source.class_names,
        own_part(train, labels),
        test,
        validation_fraction,
        source.factors,
    )
    return replace(whole, trained_labels=labels)


def load_test_split(
    name: str, directory: str | Path | None = None, *, image_shape: tuple[int, int, int]
) -> Split:
    """The test split alone, which is cheaper where images are drawn; nothing is fetched.

    Raises DataError as `load_dataset` does.
    """
    if not is_sprites(name):
        return load_dataset(name, directory, image_shape=image_shape, download=False).test
    _check_image_shape(name, _source(name), image_shape)
    sprites = read_sprite_set(name)
    return _drawn(sprites, sprites.split()[1])


def _source(name: str) -> _Source:
    if is_sprites(name):
        sprites = read_sprite_set(name)
        return _Source(
            sprites.title(),
            sprites.image_shape,
            sprites.class_names,
            partial(_draw_sprites, sprites),
            factors=tuple(map(Factor, sprites.grid.names, sprites.grid.sizes)),
        )
    known = whole_name(name)
    if known not in _SOURCES:
        raise DataError(
            f"there is no data set {name!r}; choose one of {', '.join(dataset_names())}, "
            "sprites:OPTIONS, folder:PATH, or some classes as in mnist:only=3 or mnist:without=3+5"
        )
    source = _SOURCES[known]
    if not is_narrowed(name):
        return source
    choice = read_class_choice(name, source.class_names)
    title = choice.title(source.title, source.class_names)
    return replace(source, title=title, choice=choice)


def _source_if_known(name: str) -> _Source | None:
    try:
        return _source(name)
    except DataError:
        return None


def _check_image_shape(
    name: str, source: _Source, image_shape: tuple[int, int, int] | None
) -> None:
    if image_shape is not None and image_shape != source.image_shape:
        raise DataError(
            f"{name} has images of shape {source.image_shape}, but {image_shape} was asked for; "
            "choose a model that was trained on images of that shape"
        )


def _load_folder(name: str, validation_fraction: float, side: int, channels: int | None) -> Dataset:
    found = read_folder(Path(name.removeprefix(FOLDER_PREFIX)).expanduser(), side, channels)
    train, test = _folder_splits(found)
    return _with_validation(name, found.class_names, train, test, validation_fraction)


def _folder_splits(found: FolderImages) -> tuple[Split, Split]:
    images, labels = torch.from_numpy(found.images), torch.from_numpy(found.labels)
    is_test = torch.from_numpy(found.is_test)
    return Split(images[~is_test], labels[~is_test]), Split(images[is_test], labels[is_test])


def _with_validation(
    name: str,
    classes: tuple[str, ...],
    train: Split,
    test: Split,
    fraction: float,
    factors: tuple[Factor, ...] = (),
) -> Dataset:
    held_out = int(len(train) * fraction)
    order = _shuffled(len(train))
    chosen, rest = order[:held_out].sort().values, order[held_out:].sort().values
    return Dataset(name, classes, train.pick(rest), train.pick(chosen), test, factors)


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


def _draw_sprites(
    sprites: SpriteSet, source: _Source, directory: Path, download: bool
) -> tuple[Split, Split]:
    train, test = sprites.split()
    return _drawn(sprites, train), _drawn(sprites, test)


def _drawn(sprites: SpriteSet, indices: Int[np.ndarray, "n"]) -> Split:
    levels = sprites.grid.factors_of(indices)
    images, factors = torch.from_numpy(sprites.grid.render(levels)), torch.from_numpy(levels)
    return Split(images, factors[:, 0].clone(), factors)


def _read_torchvision(source: _Source, directory: Path, download: bool) -> tuple[Split, Split]:
    return tuple(_torchvision_split(source, directory, train, download) for train in (True, False))  # type: ignore[return-value]


def _read_cifar(source: _Source, directory: Path, download: bool) -> tuple[Split, Split]:
    """torchvision's files; where they are absent, a folder of pictures, if there is one.

    As such it is passed around too: `cifar10/train/CLASS/*.png`, and `test` beside `train`.
    """
    pictures, archive = directory / "cifar10", directory / "cifar-10-batches-py"
    if archive.is_dir() or not all((pictures / split).is_dir() for split in ("train", "test")):
        return _read_torchvision(source, directory, download)
    channels, side, _ = source.image_shape
    found = read_folder(pictures, side, channels)
    if found.class_names != source.class_names:
        raise DataError(
            f"{pictures} should have the classes {', '.join(source.class_names)} as folders, but "
            f"has {', '.join(found.class_names) or 'none'}; rename them, or remove it"
        )
    train, test = _folder_splits(found)
    # Class follows class: the first test images should be of all of them, as torchvision's are.
    return train, test.pick(_shuffled(len(test)))


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
        _read_cifar,
        "CIFAR10",
    ),
}
