"""The folder of a run: its name, and whether a run may be written to it."""

import re
from collections.abc import Collection
from pathlib import Path

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError
from vae.core.files import is_partial
from vae.runs.folders import checkpoint_folders
from vae.runs.format import RESUME_FILE, RUN_FILE

_NAME = re.compile(r"\w[\w .+=,@-]{0,99}")


def check_name(path: Path) -> None:
    """CheckpointError unless a folder's name can be a checkpoint's: it is shown and linked to."""
    name = path.absolute().name
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"{name!r:.120} cannot be a checkpoint's name; use up to 100 letters, digits, spaces "
            "and . _ + = , @ - with a letter or digit first"
        )


def make_folder(path: Path) -> None:
    """Make a checkpoint's folder; CheckpointError where that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the folder {path} cannot be made ({error}); name another"
        ) from error


def discard_empty(path: Path) -> None:
    """Remove a run's folder where it holds nothing but what was left half written."""
    files = list(path.iterdir()) if path.is_dir() else []
    if path.is_dir() and all(is_partial(file.name) for file in files):
        for file in files:
            file.unlink()
        path.rmdir()


def check_free(path: Path, overwrite: bool) -> None:
    """CheckpointError unless a new run may be written to this folder."""
    check_name(path)
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise CheckpointError(f"{place} is a file; name a folder for the run")
    if path.is_dir():
        check_names(path, {file.name for file in path.iterdir()}, overwrite)


def check_names(where: object, names: Collection[str], overwrite: bool) -> None:
    """CheckpointError unless a new run may be written beside files of these names.

    Files that a killed run left half written do not count.
    """
    whole = [name for name in names if not is_partial(name)]
    if whole and RUN_FILE not in whole and RESUME_FILE not in whole:
        raise CheckpointError(f"{where} holds other files; name a new or empty folder for the run")
    if whole and not overwrite:
        raise CheckpointError(
            f"{where} holds a run already; name another folder, or give --overwrite to replace it, "
            "or --resume to go on with an unfinished one"
        )


def run_name(train: TrainConfig, model: ModelConfig) -> str:
    """Returns a folder name that describes the run, such as "mnist-mlp-2-beta-1-seed-0"."""
    beta = f"beta-{train.beta:g}" if model.beta_range is None else "multi-rate"
    if train.objective == "beta-tcvae":
        beta = f"tc-{beta}"
    network = [model.kind, model.architecture, model.latent_dim]
    parts = [dataset_part(train.dataset), *network, beta, "seed", train.seed]
    left_out = ["vae"] + [beta] * (not model.has_rate)
    return "-".join(str(part) for part in parts if part not in left_out)


def dataset_part(dataset: str) -> str:
    """What a folder's name says of a data set: up to 48 small letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", dataset.split("/")[-1].lower()).strip("-")
    return words[:48].strip("-") or "images"


def unused_path(root: Path, name: str, taken: Collection[Path] = ()) -> Path:
    """Return `root/name`, numbered if that exists, is taken, or is the name of a shipped model."""
    folders, path, number = (root, *checkpoint_folders()), root / name, 1
    while path in taken or any((folder / path.name).exists() for folder in folders):
        number += 1
        path = root / f"{name}-{number}"
    return path
