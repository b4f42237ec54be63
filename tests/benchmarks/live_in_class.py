"""Live decoding in one browser, before a class comes and while it is there.

Part of `python -m tests.benchmarks.class_of_thirty`: `--part live`. One real Chromium is on the
class's server and this machine, so it shares the cores with the server, the visitors and the
training; a pupil's laptop would not. So everything is measured twice: with all of them alike, and
with the browser before the others in the system's queue, which is nearer to a laptop of its own.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.live_app import Drag, all_drags, visitor
from tests.load.lesson import Log, Manner, attend
from tests.support.chromium import FLAGS, chromium_path

BEHIND = 5
"""What everything but the browser adds to its nice value where the browser comes first."""

ARRIVAL_SECONDS = 15.0
"""Until the whole class is there, and walks."""

LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Beside:
    """The same drags alone and beside a class."""

    alone: list[Drag]
    beside: list[Drag]
    log: Log
    """What the class did meanwhile."""

    seconds: float
    """For how long."""

    @property
    def ratio(self) -> float:
        """Paints per second beside the class over those alone, the worst of all drags."""
        pairs = zip(self.alone, self.beside, strict=True)
        return min(beside.paints / alone.paints for alone, beside in pairs)

    @property
    def messages(self) -> int:
        """That the browser sent during all drags."""
        return sum(each.messages for each in self.alone + self.beside)


class Chromium:
    """One browser; Playwright wants all that it does in the thread that started it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._driver, self._browser = self._thread.submit(_launch).result()

    async def drags(self, address: str) -> list[Drag]:
        """By a person who has just come."""
        drag = self._thread.submit(_drags, self._browser, address)
        return await asyncio.wrap_future(drag)

    def close(self) -> None:
        """The browser, and what drives it."""
        self._thread.submit(self._browser.close).result()
        self._thread.submit(self._driver.stop).result()
        self._thread.shutdown()


@contextmanager
def chromium(comes_first: bool) -> Iterator[Chromium]:
    """A browser; what is started within comes after it in the system's queue, if wanted."""
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
    """Drag; let the class come and a model train; drag again."""
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
    """A row a drag."""
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


def _launch():
    driver = sync_playwright().start()
    return driver, driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))


def _drags(browser: Browser, address: str) -> list[Drag]:
    with visitor(browser, address) as (page, sent):
        return all_drags(page, sent)
