"""Loads data sets by name; each has a training, a validation and a test split of uint8 images.

- `digits` comes with scikit-learn.
- `mnist`, `fashion-mnist`, `kmnist` and `cifar10` are downloaded by torchvision if they are absent.
- `sprites` and `sprites:OPTIONS` are drawn on demand, with known factors.
- `folder:PATH` reads a person's own images.

All but sprites and folders can be narrowed to some classes, as in `mnist:only=3` (see
`vae.core.dataset_name`).

Example:
    >>> digits = load_dataset("digits")
    >>> len(digits.train), len(digits.validation), len(digits.test)
    (1366, 71, 360)
"""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from vae.core.access import check_allowed_folder
from vae.core.dataset_name import base_name, is_subset, parse_class_subset
from vae.core.errors import DataError
from vae.data.folder import FOLDER_SIDE, FolderImages, count_images, read_folder
from vae.data.source import Source
from vae.data.splits import Dataset, Factor, Split, fixed_permutation, with_labels, with_validation
from vae.data.sprites import SPRITES, SpriteSet, is_sprites, read_sprite_set
from vae.data.torchvision_sets import DATA_DIR_VARIABLE, read_torchvision

FOLDER_PREFIX = "folder:"


def data_dir(explicit: str | Path | None = None) -> Path:
    """Return the folder of data sets: the argument, else LATENT_DATA_DIR, else a user's cache."""
    chosen = explicit or os.environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("latent-explorer", appauthor=False)


def dataset_names() -> list[str]:
    """Return the names of the data sets that need no path."""
    return [*_SOURCES, SPRITES]


def dataset_title(name: str) -> str:
    """Return a data set's title for people."""
    source = _source_if_known(name)
    if source is not None:
        return source.title
    return Path(name.removeprefix(FOLDER_PREFIX)).name or name


def class_names(name: str) -> tuple[str, ...]:
    """Return the classes of a registered data set; return () for a folder, which is not read."""
    source = _source_if_known(name)
    return () if source is None else source.class_names


def trained_labels(name: str) -> tuple[int, ...] | None:
    """Return the labels that a subset keeps; return None for the name of a whole data set."""
    source = _source_if_known(name)
    return None if source is None or source.subset is None else source.subset.labels


def image_shape_of(name: str, folder_side: int = FOLDER_SIDE) -> tuple[int, int, int]:
    """Return channels, height and width without reading a file; a folder counts as colour images.

    Raises DataError for an unknown name.
    """
    check_dataset_name(name)
    if name.startswith(FOLDER_PREFIX):
        return 3, folder_side, folder_side
    return _source(name).image_shape


def training_image_count(name: str) -> int:
    """Return the approximate number of training images without reading an image.

    For a folder, it is the number of files that look like images, or 0 if the folder is absent.
    Raises DataError for a folder that may not be read.
    """
    if name.startswith(FOLDER_PREFIX):
        return count_images(_folder_of(name))
    if is_sprites(name):
        return len(read_sprite_set(name).split()[0])
    source = _source(name)
    if source.subset is None:
        return source.training_image_count
    return source.training_image_count * len(source.subset.labels) // len(source.class_names)


def needs_download(name: str) -> bool:
    """Return whether torchvision downloads the data set if it is absent."""
    source = _source_if_known(name)
    return source is not None and source.torchvision_class != ""


def is_allowed_dataset(name: str) -> bool:
    """Return False for a folder that may not be read, else True (see `vae.core.access`)."""
    if not name.startswith(FOLDER_PREFIX):
        return True
    try:
        _folder_of(name)
    except DataError:
        return False
    return True


def check_dataset_name(name: str) -> None:
    """Raise DataError for an unknown name."""
    if name.startswith(FOLDER_PREFIX) and not name.removeprefix(FOLDER_PREFIX).strip():
        raise DataError("folder: needs a path after the colon, such as folder:photos")
    if not name.startswith(FOLDER_PREFIX):
        _source(name)


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

    Args:
        name: The name of a data set; see the top of this module.
        directory: The folder that holds the data sets' files; `data_dir` resolves it.
        validation_fraction: Fraction of the training images that becomes the validation split. The
            choice is random but always the same (see SPLIT_SEED).
        image_shape: (c, h, w) that the images must have. It decides the size and the number of
            channels of a folder's images.
        folder_side: Side in pixels of a folder's images if `image_shape` is absent. They become
            squares, grey if all of them are grey.
        download: Whether to download an absent data set.

    Raises DataError if the data set is absent, unreadable or of another shape.
    """
    check_dataset_name(name)
    if name.startswith(FOLDER_PREFIX):
        channels, side, width = image_shape or (None, folder_side, folder_side)
        if width != side:
            raise DataError(
                f"a folder's images become squares, but the model takes {side}x{width} pixels; "
                "choose a model of square images"
            )
        return _load_folder(name, validation_fraction, side, channels)
    source = _source(name)
    _check_image_shape(name, source, image_shape)
    train, test = source.read(source, data_dir(directory), download)
    labels = source.subset.labels if source.subset else None
    whole = with_validation(
        name,
        source.class_names,
        with_labels(train, labels),
        test,
        validation_fraction,
        source.factors,
    )
    return replace(whole, trained_labels=labels)


def load_test_split(
    name: str, directory: str | Path | None = None, *, image_shape: tuple[int, int, int]
) -> Split:
    """Read the test split alone, without any download; sprites are drawn faster this way.

    Raises DataError as `load_dataset` does.
    """
    if not is_sprites(name):
        return load_dataset(name, directory, image_shape=image_shape, download=False).test
    _check_image_shape(name, _source(name), image_shape)
    sprites = read_sprite_set(name)
    return _drawn(sprites, sprites.split()[1])


def _source(name: str) -> Source:
    if is_sprites(name):
        sprites = read_sprite_set(name)
        return Source(
            sprites.title(),
            sprites.image_shape,
            sprites.class_names,
            partial(_draw_sprites, sprites),
            factors=tuple(map(Factor, sprites.grid.names, sprites.grid.sizes)),
        )
    known = base_name(name)
    if known not in _SOURCES:
        raise DataError(
            f"there is no data set {name!r}; choose one of {', '.join(dataset_names())}, "
            "sprites:OPTIONS, folder:PATH, or some classes as in mnist:only=3 or mnist:without=3+5"
        )
    source = _SOURCES[known]
    if not is_subset(name):
        return source
    subset = parse_class_subset(name, source.class_names)
    title = subset.title(source.title, source.class_names)
    return replace(source, title=title, subset=subset)


def _source_if_known(name: str) -> Source | None:
    try:
        return _source(name)
    except DataError:
        return None


def _check_image_shape(name: str, source: Source, image_shape: tuple[int, int, int] | None) -> None:
    if image_shape is not None and image_shape != source.image_shape:
        raise DataError(
            f"{name} has images of shape {source.image_shape}, but {image_shape} was requested; "
            "choose a model that was trained on images of the first shape"
        )


def _load_folder(name: str, validation_fraction: float, side: int, channels: int | None) -> Dataset:
    found = read_folder(_folder_of(name), side, channels)
    train, test = _folder_splits(found)
    return with_validation(name, found.class_names, train, test, validation_fraction)


def _folder_of(name: str) -> Path:
    """Return the folder of a name `folder:PATH`; raise DataError if it may not be read."""
    try:
        folder = Path(name.removeprefix(FOLDER_PREFIX)).expanduser()
    except RuntimeError as error:
        raise DataError(f"{name} names the home of an unknown user; give the whole path") from error
    check_allowed_folder(folder)
    return folder


def _folder_splits(found: FolderImages) -> tuple[Split, Split]:
    images, labels = torch.from_numpy(found.images), torch.from_numpy(found.labels)
    is_test = torch.from_numpy(found.is_test)
    return Split(images[~is_test], labels[~is_test]), Split(images[is_test], labels[is_test])


def _read_digits(source: Source, directory: Path, download: bool) -> tuple[Split, Split]:
    from sklearn.datasets import load_digits

    bundled = load_digits()
    pixels = np.rint(bundled.images * (255 / 16)).astype(np.uint8)[:, None]
    images, labels = torch.from_numpy(pixels), torch.from_numpy(bundled.target.astype(np.int64))
    order = fixed_permutation(len(images))
    test, train = order[:360], order[360:]
    return Split(images[train], labels[train]), Split(images[test], labels[test])


def _draw_sprites(
    sprites: SpriteSet, source: Source, directory: Path, download: bool
) -> tuple[Split, Split]:
    train, test = sprites.split()
    return _drawn(sprites, train), _drawn(sprites, test)


def _drawn(sprites: SpriteSet, indices: Int[np.ndarray, "n"]) -> Split:
    levels = sprites.grid.factors_of(indices)
    images, factors = torch.from_numpy(sprites.grid.render(levels)), torch.from_numpy(levels)
    return Split(images, factors[:, 0].clone(), factors)


def _read_cifar(source: Source, directory: Path, download: bool) -> tuple[Split, Split]:
    """Read torchvision's files, or a folder of pictures if only that is present.

    CIFAR-10 is also distributed as `cifar10/train/CLASS/*.png`, with `test` beside `train`.
    """
    pictures, archive = directory / "cifar10", directory / "cifar-10-batches-py"
    if archive.is_dir() or not all((pictures / split).is_dir() for split in ("train", "test")):
        return read_torchvision(source, directory, download)
    channels, side, _ = source.image_shape
    found = read_folder(pictures, side, channels)
    if found.class_names != source.class_names:
        raise DataError(
            f"{pictures} should have the classes {', '.join(source.class_names)} as folders, but "
            f"has {', '.join(found.class_names) or 'none'}; rename them, or remove {pictures}"
        )
    train, test = _folder_splits(found)
    # A folder is sorted by class, but the first test images should show all classes.
    return train, test.pick(fixed_permutation(len(test)))


_GREY_28 = (1, 28, 28)
_TEN_DIGITS = tuple(str(digit) for digit in range(10))

_SOURCES = {
    "digits": Source(
        "Digits (8x8)", (1, 8, 8), _TEN_DIGITS, _read_digits, training_image_count=1437
    ),
    "mnist": Source("MNIST", _GREY_28, _TEN_DIGITS, read_torchvision, "MNIST", 60_000),
    "fashion-mnist": Source(
        "Fashion-MNIST",
        _GREY_28,
        tuple("T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot".split()),
        read_torchvision,
        "FashionMNIST",
        60_000,
    ),
    "kmnist": Source(
        "Kuzushiji-MNIST",
        _GREY_28,
        tuple("o ki su tsu na ha ma ya re wo".split()),
        read_torchvision,
        "KMNIST",
        60_000,
    ),
    "cifar10": Source(
        "CIFAR-10",
        (3, 32, 32),
        tuple("airplane automobile bird cat deer dog frog horse ship truck".split()),
        _read_cifar,
        "CIFAR10",
        50_000,
    ),
}
