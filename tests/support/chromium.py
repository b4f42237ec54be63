"""This module finds Chromium and holds the flags that the tests start it with."""

import os
import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first has no window to draw, so that a page costs half the processor time."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def chromium_path() -> str | None:
    """Returns the path of Chromium: the environment's CHROMIUM, else the first on PATH."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *NAMES))
    return next((path for path in found if path), None)
