"""Browser tests wait for a condition or for animation frames, never for a span of time."""

from collections.abc import Callable

from tests.support.waiting import wait_for

FRAMES = """(count) => new Promise((done) => {
  const next = () => (count-- > 0 ? requestAnimationFrame(next) : done());
  next();
})"""


def frames(page, count: int) -> None:
    """Wait for a number of animation frames, in which the page could do what it must not do."""
    page.evaluate(FRAMES, count)


def eventually(page, condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds, and fail the test if it never does."""
    wait_for(condition, seconds, pause=lambda: page.wait_for_timeout(20))
