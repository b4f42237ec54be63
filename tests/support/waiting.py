"""Tests wait for a condition with these functions, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def wait_for(
    condition: Callable[[], object],
    seconds: float = 120.0,
    pause: Callable[[], object] = lambda: time.sleep(0.02),
) -> None:
    """Return as soon as the condition holds, and fail the test if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        pause()


def run_until(page: "AppTest", condition: Callable[[], object]) -> None:
    """Run a page again and again until the condition holds; fail the test if it never does."""

    def run_again() -> None:
        time.sleep(0.2)
        page.run()
        assert not page.exception

    wait_for(condition, pause=run_again)
