"""Finds Chromium and starts it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first has no window to draw, so that a page costs half the processor time."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def chromium_path() -> str | None:
    """Return the path of Chromium: the environment's CHROMIUM, else the first on PATH."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *NAMES))
    return next((path for path in found if path), None)


@contextmanager
def launched_chromium() -> "Iterator[Browser]":
    """Start a headless Chromium and yield it; close it when the block ends."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        yield browser
        browser.close()
