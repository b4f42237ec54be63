"""Lists the checkpoints of a folder, and the errors of those that cannot be read.

Example:
    >>> [run.name for run in read_catalogue(Path("checkpoints")).runs][:1]
    ['cifar10-jpeg-compressor']
"""

import re
from dataclasses import dataclass
from pathlib import Path

from vae.core.errors import CheckpointError
from vae.runs.checkpoint import load_run
from vae.runs.folders import checkpoint_folders
from vae.runs.format import RUN_FILE
from vae.runs.run import Run
from vae.runs.run_folder import check_name


@dataclass(frozen=True)
class Catalogue:
    """The readable checkpoints of a folder, sorted by name, and the errors of the others."""

    runs: tuple[Run, ...]
    errors: tuple[CheckpointError, ...]


def available_checkpoints() -> Catalogue:
    """List the checkpoints of all `checkpoint_folders`.

    If two have the same name, the one of the first folder is listed.
    """
    found = [read_catalogue(folder) for folder in checkpoint_folders()]
    runs = {run.name: run for each in reversed(found) for run in each.runs}
    ordered = sorted(runs.values(), key=lambda run: _natural_key(run.path))
    return Catalogue(tuple(ordered), tuple(error for each in found for error in each.errors))


def read_catalogue(root: Path) -> Catalogue:
    """List the checkpoints directly below a folder.

    Folders without `run.json` are left out. Links to folders are followed: a person who can make a
    link here can make a checkpoint here too.
    """
    runs, refused = [], []
    for folder in sorted(folders_in(root), key=_natural_key):
        try:
            if not folder.name.startswith(".") and (folder / RUN_FILE).is_file():
                check_name(folder)
                runs.append(load_run(folder))
        except CheckpointError as error:
            refused.append(error)
        except OSError as error:
            refused.append(CheckpointError(f"{folder} cannot be read ({error.strerror})"))
    return Catalogue(tuple(runs), tuple(refused))


def folders_in(root: Path) -> list[Path]:
    """Return everything directly below a folder, or nothing if the folder does not exist.

    Raises CheckpointError if the folder may not be listed.
    """
    try:
        return list(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise CheckpointError(f"{root} cannot be listed ({error.strerror})") from error


def _natural_key(folder: Path) -> list[tuple[float, str]]:
    """Return a sort key that compares numbers by value, so that beta-4 precedes beta-10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", folder.name)
    return [(float(p), "") if i % 2 else (-1.0, p) for i, p in enumerate(parts)]
