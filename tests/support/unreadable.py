"""Files and folders that this program may not read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def unreadable(*paths: Path) -> Iterator[None]:
    """Nobody may read these meanwhile; skips where this user may read everything."""
    modes = {path: path.stat().st_mode for path in paths}
    try:
        for path in paths:
            path.chmod(0)
        if any(os.access(path, os.R_OK) for path in paths):
            pytest.skip("this user may read everything")
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
