"""Limits that the operator of a server sets through the environment: changes and readable folders.

`LATENT_READ_ONLY=1` makes a server read-only, for example for a public demonstration. It then
trains nothing, downloads nothing and stores nothing. Code that changes something calls
`refuse_if_read_only` first, so a request is refused however it arrives.

`LATENT_FOLDERS` lists the folders of images that the program may read, separated like the entries
of PATH. Everything below a listed folder is readable too. Without the variable every folder is
readable, as on a person's own machine. An app that others can reach sets the variable to nothing
unless the operator has set it (see `pages.server.access`). The limit matters because the `run.json`
of a checkpoint from elsewhere may name any folder of the server as its data set.

Example:
    >>> from pathlib import Path
    >>> os.environ[FOLDERS_VARIABLE] = "/srv/photos"
    >>> is_allowed_folder(Path("/srv/photos/cats")), is_allowed_folder(Path("/etc"))
    (True, False)
"""

import os
from pathlib import Path

from vae.core.errors import DataError, ReadOnlyError

READ_ONLY_VARIABLE = "LATENT_READ_ONLY"
FOLDERS_VARIABLE = "LATENT_FOLDERS"
_OFF = ("", "0", "false", "no", "off")


def is_read_only() -> bool:
    """Return whether this process refuses changes; any word that does not mean no means yes."""
    return os.environ.get(READ_ONLY_VARIABLE, "").strip().lower() not in _OFF


def refuse_if_read_only(action: str) -> None:
    """Raise ReadOnlyError if this process refuses changes.

    `action` begins the sentence of the error, such as "training" or "a download".
    """
    if is_read_only():
        raise ReadOnlyError(
            f"{action} is switched off here, because this server is read-only; start your own "
            f"server without {READ_ONLY_VARIABLE}"
        )


def is_allowed_folder(folder: Path) -> bool:
    """Return whether the program may read a folder; a link counts as the folder it points to."""
    listed = os.environ.get(FOLDERS_VARIABLE)
    if listed is None:
        return True
    try:
        resolved = folder.resolve()
        parents = [Path(each).expanduser().resolve() for each in listed.split(os.pathsep) if each]
    except (OSError, RuntimeError, ValueError):
        # The path has a cycle of links, an unknown user's home, or a name that no file can have.
        return False
    return any(resolved.is_relative_to(parent) for parent in parents)


def check_allowed_folder(folder: Path) -> None:
    """Raise DataError for a folder that the program may not read, whether it exists or not."""
    if not is_allowed_folder(folder):
        raise DataError(
            f"the images are in the folder {folder.name!r:.80}, which {FOLDERS_VARIABLE} does not "
            "list, so this server does not read it; ask its operator to add the folder"
        )
