"""Measures live decoding in one browser, before a class arrives and while it is there.

`python -m tests.benchmarks.class_of_thirty --part live` calls this module. The Chromium runs on the
same machine as the server, the visitors and the training, so they share its cores. A student's
laptop would not. Everything is therefore measured twice: once with equal priorities, and once with
priority for the browser, which is closer to a separate laptop.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser

from tests.benchmarks.live_app import Drag, all_drags, visitor
from tests.load.lesson import Log, Manner, attend
from tests.support.chromium import launched_chromium

BEHIND = 5
"""Increase of the nice value of everything but the browser, if the browser has priority."""

ARRIVAL_SECONDS = 15.0
"""Seconds until the whole class has arrived."""

LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Beside:
    """The same drags, measured alone and beside a class."""

    alone: list[Drag]
    beside: list[Drag]
    log: Log
    """The record of the class during the drags."""

    seconds: float
    """The duration of that record."""

    @property
    def ratio(self) -> float:
        """Paints per second beside the class, divided by those alone; the worst of all drags."""
        pairs = zip(self.alone, self.beside, strict=True)
        return min(beside.paints / alone.paints for alone, beside in pairs)

    @property
    def messages(self) -> int:
        """The number of messages that the browser sent during all drags."""
        return sum(each.messages for each in self.alone + self.beside)


class Chromium:
    """One browser in a thread of its own, because Playwright must stay in one thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._started = ExitStack()
        launch = lambda: self._started.enter_context(launched_chromium())  # noqa: E731
        self._browser = self._thread.submit(launch).result()

    async def drags(self, address: str) -> list[Drag]:
        """Measure all drags of a new visitor."""
        drag = self._thread.submit(_drags, self._browser, address)
        return await asyncio.wrap_future(drag)

    def close(self) -> None:
        """Close the browser and its driver."""
        self._thread.submit(self._started.close).result()
        self._thread.shutdown()


@contextmanager
def chromium(comes_first: bool) -> Iterator[Chromium]:
    """Start a browser; with `comes_first`, later processes get a lower priority than it has."""
    browser = Chromium()
    if comes_first:
        os.nice(BEHIND)
    try:
        yield browser
    finally:
        browser.close()


async def measure(
    address: str,
    browser: Chromium,
    sessions: int,
    manner: Manner,
    training: Callable[[], AbstractAsyncContextManager],
) -> Beside:
    """Drag alone, then start the training and the class, and drag again.

    Args:
        address: The address of the server.
        browser: The browser that drags.
        sessions: The number of sessions of the class.
        manner: The behaviour of the class.
        training: Returns a context in which a model trains.
    """
    alone = await browser.drags(address)
    async with training():
        log, begun = Log(), time.monotonic()
        end = begun + LONGEST_SECONDS
        people = [
            asyncio.create_task(attend(address, who, manner, log, end)) for who in range(sessions)
        ]
        await asyncio.sleep(ARRIVAL_SECONDS)
        beside = await browser.drags(address)
        seconds = time.monotonic() - begun
        for person in people:
            person.cancel()
        await asyncio.gather(*people, return_exceptions=True)
    return Beside(alone, beside, log, seconds)


def print_beside(found: Beside, sessions: int) -> None:
    """Print one row for each drag."""
    print("| live, in Chromium | alone | beside the class | ratio | messages |")
    print("|---|---:|---:|---:|---:|")
    for alone, beside in zip(found.alone, found.beside, strict=True):
        print(
            f"| {alone.name} | {alone.paints:.1f} paints/s ({alone.moves:.0f} moves) "
            f"| {beside.paints:.1f} paints/s ({beside.moves:.0f} moves) "
            f"| {beside.paints / alone.paints:.2f} | {alone.messages + beside.messages} |"
        )
    print(
        f"the class: {sessions} sessions, {len(found.log.switches)} page switches in "
        f"{found.seconds:.0f} s, {len(found.log.lost)} lost"
    )


def _drags(browser: Browser, address: str) -> list[Drag]:
    with visitor(browser, address) as (page, sent):
        return all_drags(page, sent)
