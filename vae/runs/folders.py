"""The folders that hold checkpoints: the user's own, and the one with the models that ship.

Example:
    >>> shown_file("latent-sizes.json").name
    'latent-sizes.json'
"""

import os
from pathlib import Path

from vae.core.installation import shipped_checkpoints

CHECKPOINTS_VARIABLE = "LATENT_CHECKPOINTS"


def checkpoints_dir() -> Path:
    """Return the folder LATENT_CHECKPOINTS, or else `checkpoints` in the working folder."""
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or "checkpoints")


def checkpoint_folders() -> tuple[Path, ...]:
    """Return the folders whose checkpoints are shown; the first one is `checkpoints_dir()`.

    The folder of the models that ship follows, wherever the program is started. If
    LATENT_CHECKPOINTS is set, that folder is the only one.
    """
    own, shipped = checkpoints_dir(), shipped_checkpoints()
    is_only_one = bool(os.environ.get(CHECKPOINTS_VARIABLE)) or own.resolve() == shipped
    return (own,) if is_only_one else (own, shipped)


def shown_file(name: str) -> Path:
    """Return the first file of this name in `checkpoint_folders`.

    If no folder has it, return its path in the first folder.
    """
    paths = [folder / name for folder in checkpoint_folders()]
    return next((path for path in paths if path.is_file()), paths[0])
