"""Which folders of images may be read: where others reach a server, those that its operator named.

The `run.json` of a checkpoint from elsewhere may name any folder of the server as its data set. The
environment variable LATENT_FOLDERS holds the folders that may be read, and all below them, with the
separator of PATH between them. Without it any folder may be, as on one's own machine; an app that
others can reach sets it to nothing (see `pages.server.access`), where nobody has set it.
"""

import os
from pathlib import Path

from vae.core.errors import DataError

FOLDERS_VARIABLE = "LATENT_FOLDERS"


def is_named(folder: Path) -> bool:
    """Whether a folder may be read; where links lead counts, not where they are."""
    named = os.environ.get(FOLDERS_VARIABLE)
    if named is None:
        return True
    try:
        place = folder.resolve()
        above = [Path(each).expanduser().resolve() for each in named.split(os.pathsep) if each]
    except (OSError, RuntimeError, ValueError):
        # Links in a ring, a home that nobody has, a name that no file can have.
        return False
    return any(place.is_relative_to(each) for each in above)


def check_named(folder: Path) -> None:
    """DataError for a folder that may not be read, whether it is there or not."""
    if not is_named(folder):
        raise DataError(
            f"the images lie in a folder named {folder.name!r:.80} that whoever started this "
            f"server has not named in {FOLDERS_VARIABLE}, so it is not read"
        )
