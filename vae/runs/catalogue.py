"""A folder of checkpoints: what is in it, which belong together, and the table of them."""

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
    """The checkpoints of a folder, by name, and what is wrong with those that cannot be read."""

    runs: tuple[Run, ...]
    errors: tuple[CheckpointError, ...]


def available_checkpoints() -> Catalogue:
    """List the checkpoints of all `checkpoint_folders`; of two with one name the first counts."""
    found = [read_catalogue(folder) for folder in checkpoint_folders()]
    runs = {run.name: run for each in reversed(found) for run in each.runs}
    ordered = sorted(runs.values(), key=lambda run: _natural_key(run.path))
    return Catalogue(tuple(ordered), tuple(error for each in found for error in each.errors))


def read_catalogue(root: Path) -> Catalogue:
    """List the checkpoints right below a folder; incomplete and foreign folders are left out.

    A folder that is a link is listed like any other: whoever may make one may make a checkpoint.
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
    """What lies right below a folder of checkpoints; nothing where there is no such folder."""
    try:
        return list(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise CheckpointError(f"{root} cannot be listed ({error.strerror})") from error


def _natural_key(folder: Path) -> list[tuple[float, str]]:
    """Numbers in a name count as numbers: beta-4 comes before beta-10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", folder.name)
    return [(float(p), "") if i % 2 else (-1.0, p) for i, p in enumerate(parts)]
