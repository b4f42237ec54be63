"""Puts the app and the models that ship into a wheel, in the folder `vae/product`.

An editable installation needs nothing of it: there the clone itself is the product.
"""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = ("app.py", "pages", "checkpoints", ".streamlit/config.toml")


class ProductHook(BuildHookInterface):
    """Adds the product's files to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file and its place in the wheel."""
        if version != "standard":
            return
        root = Path(self.root)
        for name in _files(root):
            build_data["force_include"][str(root / name)] = f"vae/product/{name}"


def _files(root: Path) -> list[str]:
    """List the files that ship: in a clone the tracked ones, so no run of a user goes along."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", *CARRIED]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [name for name in listed.split("\0") if name]
    found = [path for name in CARRIED for path in [root / name, *(root / name).rglob("*")]]
    return sorted(str(path.relative_to(root)) for path in found if path.is_file())
