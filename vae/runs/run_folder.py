"""Names the folder of a run, and checks whether a run may be written to a folder.

Example:
    >>> run_name(TrainConfig("mnist"), ModelConfig((1, 28, 28), latent_dim=2))
    'mnist-mlp-2-beta-1-seed-0'
"""

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
    """Raise CheckpointError unless a folder's name can be the name of a checkpoint.

    Names are shown on pages and stand in links.
    """
    name = path.absolute().name
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"{name!r:.120} cannot be a checkpoint's name; use up to 100 letters, digits, spaces "
            "and . _ + = , @ - with a letter or digit first"
        )


def make_folder(path: Path) -> None:
    """Make the folder of a checkpoint; raise CheckpointError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the folder {path} cannot be made ({error}); name another"
        ) from error


def discard_empty(path: Path) -> None:
    """Remove the folder of a run if it is empty or holds only half-written files."""
    files = list(path.iterdir()) if path.is_dir() else []
    if path.is_dir() and all(is_partial(file.name) for file in files):
        for file in files:
            file.unlink()
        path.rmdir()


def check_free(path: Path, overwrite: bool) -> None:
    """Raise CheckpointError unless a new run may be written to this folder."""
    check_name(path)
    for folder in (path, *path.parents):
        if folder.exists() and not folder.is_dir():
            raise CheckpointError(f"{folder} is a file; name a folder for the run")
    if path.is_dir():
        check_names(path, {file.name for file in path.iterdir()}, overwrite)


def check_names(where: object, names: Collection[str], overwrite: bool) -> None:
    """Raise CheckpointError unless a new run may be written to a folder with files of these names.

    Half-written files of a killed run do not count.
    """
    complete = [name for name in names if not is_partial(name)]
    if complete and RUN_FILE not in complete and RESUME_FILE not in complete:
        raise CheckpointError(f"{where} holds other files; name a new or empty folder for the run")
    if complete and not overwrite:
        raise CheckpointError(
            f"{where} holds a run already; name another folder, or give --overwrite to replace it, "
            "or --resume to continue an unfinished run"
        )


def run_name(train: TrainConfig, model: ModelConfig) -> str:
    """Return a folder name that describes the run, such as "mnist-mlp-2-beta-1-seed-0"."""
    beta = f"beta-{train.beta:g}" if model.beta_range is None else "multi-rate"
    if train.objective == "beta-tcvae":
        beta = f"tc-{beta}"
    network = [model.kind, model.architecture, model.latent_dim]
    parts = [dataset_part(train.dataset), *network, beta, "seed", train.seed]
    left_out = ["vae"] + [beta] * (not model.has_rate)
    return "-".join(str(part) for part in parts if part not in left_out)


def dataset_part(dataset: str) -> str:
    """Return a data set's part of a folder name: up to 48 small letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", dataset.split("/")[-1].lower()).strip("-")
    return words[:48].strip("-") or "images"


def unused_path(root: Path, name: str, taken: Collection[Path] = ()) -> Path:
    """Return `root/name`, with a number if a folder of checkpoints has that name already.

    Paths in `taken` are avoided too.
    """
    folders, path, number = (root, *checkpoint_folders()), root / name, 1
    while path in taken or any((folder / path.name).exists() for folder in folders):
        number += 1
        path = root / f"{name}-{number}"
    return path
