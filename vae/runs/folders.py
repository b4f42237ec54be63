"""The folders that hold checkpoints: the user's own, and the one with the models that ship.

Example:
    >>> shown_file("latent-sizes.json").name
    'latent-sizes.json'
"""

import os
from pathlib import Path

from vae.core.product import shipped_checkpoints

CHECKPOINTS_VARIABLE = "LATENT_CHECKPOINTS"


def checkpoints_dir() -> Path:
    """LATENT_CHECKPOINTS, else `checkpoints` in the working folder."""
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or "checkpoints")


def checkpoint_folders() -> tuple[Path, ...]:
    """Return the folders whose checkpoints are shown; the first one is `checkpoints_dir()`.

    The models that ship come behind it, from whichever folder the program is started. A folder
    that LATENT_CHECKPOINTS names stands alone.
    """
    own, shipped = checkpoints_dir(), shipped_checkpoints()
    stands_alone = bool(os.environ.get(CHECKPOINTS_VARIABLE)) or own.resolve() == shipped
    return (own,) if stands_alone else (own, shipped)


def shown_file(name: str) -> Path:
    """Return the first file of this name in `checkpoint_folders`, else its place in the first."""
    places = [folder / name for folder in checkpoint_folders()]
    return next((place for place in places if place.is_file()), places[0])
