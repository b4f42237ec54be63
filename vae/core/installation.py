"""Finds the parts of the product outside the package `vae`: the app and the models that ship.

A clone has `app.py`, `pages` and `checkpoints` beside the package `vae`. A wheel carries them
inside the package, in the folder `product`, where they cannot conflict with other packages.

Example:
    >>> (product_root() / "app.py").is_file()
    True
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def product_root() -> Path:
    """Return the folder that holds `app.py`, `pages` and `checkpoints`."""
    installed = _PACKAGE / "product"
    return installed if installed.is_dir() else _PACKAGE.parent


def app_file() -> Path:
    """Return the script that Streamlit runs."""
    return product_root() / "app.py"


def shipped_checkpoints() -> Path:
    """Return the folder of the models that ship; by default nothing is written there."""
    return product_root() / "checkpoints"
