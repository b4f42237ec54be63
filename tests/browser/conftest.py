"""A headless Chromium for the tests of the pages' JavaScript."""

import os
from collections.abc import Iterator

import pytest

from tests.support.chromium import chromium_path, launched_chromium


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A Playwright browser shared by the session; skips where there is no Chromium."""
    pytest.importorskip("playwright.sync_api")
    if chromium_path() is None:
        missing = pytest.fail if os.environ.get("LATENT_REQUIRE_BROWSER") else pytest.skip
        missing("no Chromium found; install one or set CHROMIUM to its path")
    with launched_chromium() as launched:
        yield launched


@pytest.fixture
def page(browser) -> Iterator:
    """A blank page of 1280x720 that fails the test on any error in it."""
    errors: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield opened
    opened.close()
    assert errors == []
