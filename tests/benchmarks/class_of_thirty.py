"""Measures a class on one server: `python -m tests.benchmarks.class_of_thirty --minutes 3`.

Thirty sessions (`--sessions`) speak Streamlit's protocol to a server that this module starts, while
one model trains on it.

- `--part lesson`: the sessions visit all pages as people do, with the default settings. Some
  sessions vanish in the middle of an action and come back. `--minutes 60` is a long test; its table
  shows how memory changes over the second half.
- `--part dragging`: all decoders run on the server, and people drag their sliders between pages.
- `--part live`: measures whether one real browser becomes slower (see `live_in_class`).
- `--part opening`: measures how long people wait when they open a page for the first time.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.benchmarks.live_in_class import Beside, Chromium, chromium, measure, print_beside
from tests.benchmarks.quantiles import describe_times, quantile
from tests.load.lesson import PAGES, Log, Manner, prepare, teach
from tests.load.process_usage import Usage, active_sessions, usage
from tests.load.visitor import visiting
from tests.support.app_server import AppServer, link_shipped_models, running_server

MODELS = ("mnist-map", "mnist-map", "mnist-best", "mnist-beta-1")
"""The models that people look at; half of them look at the default model."""

SERVED_SECONDS = 40.0
SAMPLE_SECONDS = 5.0
OWN_STOPS = {"Cancel", "Stop"}
"""Buttons that stop a training run, for the person who started it."""

STOP = "Stop it anyway"
"""The button that stops a training run that another person started."""

SETTLE_SECONDS = 150.0
"""Seconds from the last departure until memory is read; the server keeps sessions for less time."""


@dataclass
class Watch:
    """The resources that the server used over time."""

    samples: list[tuple[float, Usage]] = field(default_factory=list)
    """Times of the monotonic clock in seconds, with the usage at each of them."""

    def megabytes_per_hour(self) -> float:
        """Return the growth of memory over the second half, by linear regression."""
        half = self.samples[len(self.samples) // 2 :]
        if len(half) < 3:
            return float("nan")
        hours, megabytes = [at / 3600 for at, _ in half], [used.megabytes for _, used in half]
        return statistics.linear_regression(hours, megabytes).slope

    def cores(self) -> float:
        """Return the mean number of cores in use."""
        (begun, first), (ended, last) = self.samples[0], self.samples[-1]
        return (last.cpu_seconds - first.cpu_seconds) / (ended - begun)

    def most(self) -> Usage:
        """Return the usage with the most memory."""
        return max((used for _, used in self.samples), key=lambda used: used.megabytes)


@contextmanager
def watching(pid: int) -> Iterator[Watch]:
    """Record the usage of a process every few seconds, at the start and at the end."""
    watch, over = Watch(), threading.Event()

    def record() -> None:
        while True:
            watch.samples.append((time.monotonic(), usage(pid)))
            if over.wait(SAMPLE_SECONDS):
                break

    thread = threading.Thread(target=record)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        watch.samples.append((time.monotonic(), usage(pid)))


@asynccontextmanager
async def training(address: str, wanted: bool):
    """Train one model until the block ends; a visitor starts it on the page Train and leaves."""
    if wanted:
        async with visiting(address) as visitor:
            await visitor.open("train")
            visitor.fill({"Data set": "MNIST"}, {"Epochs": 1000})
            await visitor.press("Train")
            if not OWN_STOPS & visitor.screen.buttons.keys():
                raise SystemExit(f"nothing trains: {visitor.screen.warnings}")
    yield
    if wanted:
        async with visiting(address) as visitor:
            await visitor.open("train")
            if STOP in visitor.screen.buttons:
                await visitor.press(STOP)
            else:
                print(f"the training ended before the lesson did: {visitor.screen.warnings}")


async def lesson(server: AppServer, options: argparse.Namespace) -> dict:
    """Measure a class that visits all pages, with the default settings."""
    started = usage(server.pid)
    cold = await prepare(server.address, sorted(set(MODELS)))
    prepared = usage(server.pid)
    manner = Manner(MODELS, think_seconds=options.think)
    async with training(server.address, not options.no_training):
        with watching(server.pid) as watch:
            log = await teach(server.address, options.sessions, manner, 60 * options.minutes)
    await settle(server, options.settle)
    after = usage(server.pid)
    print_switches(cold, log)
    print_lesson(log, watch)
    print_use(started, prepared, watch, after)
    switches = seconds(log)
    most = watch.most().megabytes - prepared.megabytes
    return {
        "page_switches": len(switches),
        "page_switch_p50": quantile(switches, 0.5),
        "page_switch_p95": quantile(switches, 0.95),
        "slider_p95": quantile(log.moves, 0.95),
        "server_cores": watch.cores(),
        "megabytes_a_session": most / options.sessions,
        "megabytes_an_hour": watch.megabytes_per_hour(),
        "megabytes_after": after.megabytes - prepared.megabytes,
        "lost": len(log.lost),
        "exceptions": len(log.exceptions),
    }


def print_use(started: Usage, prepared: Usage, watch: Watch, after: Usage) -> None:
    """Print memory, threads and open files before, during and after the class."""
    print(
        "| the server | as started | every page seen | at most | after |\n|---|---:|---:|---:|---:|"
    )
    columns = (started, prepared, watch.most(), after)
    for name in ("megabytes", "threads", "descriptors"):
        numbers = [f"{getattr(used, name):.0f}" for used in columns]
        print(f"| {name} | {' | '.join(numbers)} |")
    print(f"memory over the second half: {watch.megabytes_per_hour():+.0f} MB an hour")


async def settle(server: AppServer, wait: float) -> None:
    """Wait until the server has dropped the sessions of the class."""
    assert active_sessions(server.address) == 0, "a session is active after all visitors left"
    await asyncio.sleep(wait)
    # Streamlit drops old sessions when another session starts or ends.
    async with visiting(server.address) as visitor:
        await visitor.open("lab")


async def dragging(server: AppServer, options: argparse.Namespace) -> dict:
    """Measure a class that mostly drags sliders, with all decoders on the server."""
    await prepare(server.address, sorted(set(MODELS)))
    people = Manner(MODELS, 0.5, 0.0, drag_seconds=options.drag, on_instrument=1.0)
    async with training(server.address, not options.no_training):
        with watching(server.pid) as watch:
            log = await teach(server.address, options.sessions, people, SERVED_SECONDS)
    rate = len(log.answers) / SERVED_SECONDS
    print(
        f"decoded by the server: {rate:.0f} pictures a second in all, an answer after "
        f"{in_words(log.answers)}; page switches in between {in_words(seconds(log))}; "
        f"{watch.cores():.2f} cores; {len(log.lost)} lost"
    )
    return {"served_per_second": rate, "served_switch_p95": quantile(seconds(log), 0.95)}


async def live(server: AppServer, browser: Chromium, options: argparse.Namespace) -> Beside:
    """Measure one real browser alone and beside the class."""
    await prepare(server.address, sorted(set(MODELS)))
    manner = Manner(MODELS, think_seconds=options.think)
    train = partial(training, server.address, not options.no_training)
    return await measure(server.address, browser, options.sessions, manner, train)


def live_part(options: argparse.Namespace) -> dict:
    """Measure a browser that shares the cores equally, and one that has priority."""
    found = {}
    for comes_first in (False, True):
        print(
            "the browser has priority over server, class and training, like a separate laptop:"
            if comes_first
            else f"server, class, training and browser share {os.cpu_count()} cores equally:"
        )
        with chromium(comes_first) as browser, serving() as server:
            beside = asyncio.run(live(server, browser, options))
        print_beside(beside, options.sessions)
        name = "first" if comes_first else "alike"
        found |= {f"live_ratio_{name}": beside.ratio, f"live_messages_{name}": beside.messages}
    return found


async def opening_times(server: AppServer, pages: Sequence[str], wait: float) -> list[float]:
    """Return the seconds to open each page, in order, with a wait after the first page."""
    async with visiting(server.address) as visitor:
        times = [await visitor.open(pages[0], f"model={MODELS[0]}")]
        await asyncio.sleep(wait if len(pages) > 1 else 0)
        return times + [await visitor.open(page) for page in pages[1:]]


def opening_part(options: argparse.Namespace) -> dict:
    """Measure each page as the first page of a server, and some time after the page Home."""
    cold = {}
    for page in PAGES:
        with serving() as server:
            cold[page] = asyncio.run(opening_times(server, [page], 0))[0]
    with serving() as server:
        times = asyncio.run(opening_times(server, PAGES, options.wait))
    print(f"| page | a server's first | {options.wait:g} s after Home |\n|---|---:|---:|")
    for page, later in zip(PAGES, times, strict=True):
        print(f"| {page or 'home'} | {cold[page]:.1f} s | {later:.1f} s |")
    return {"first_page_at_most": max(cold.values()), "later_at_most": max(times[1:])}


def seconds(log: Log) -> list[float]:
    """Return the seconds of each page switch."""
    return [taken for _, taken in log.switches]


def in_words(values: Sequence[float]) -> str:
    """Describe times that are given in seconds."""
    return describe_times([1000 * value for value in values])


def print_switches(cold: Log, log: Log) -> None:
    """Print one row for each page, and one for all pages."""
    print("| page | switches | p50 | p95 | at most | first look |\n|---|---:|---:|---:|---:|---:|")
    for page in [*dict.fromkeys(page for page, _ in cold.switches), None]:
        found = [taken for name, taken in log.switches if page in (name, None)]
        first = max(taken for name, taken in cold.switches if page in (name, None))
        middle, most = quantile(found, 0.5), quantile(found, 1.0)
        print(
            f"| {'all' if page is None else page or 'home'} | {len(found)} | {middle:.2f} s "
            f"| {quantile(found, 0.95):.2f} s | {most:.2f} s | {first:.2f} s |"
        )


def print_lesson(log: Log, watch: Watch) -> None:
    """Print the times of sliders, the lost sessions and the exceptions of a lesson."""
    print(
        f"native sliders: {len(log.moves)} moved, {in_words(log.moves)}; "
        f"{log.vanished} sessions vanished and came back; {len(log.lost)} lost, "
        f"{len(log.exceptions)} exceptions on pages; the server used {watch.cores():.2f} cores"
    )
    for line in sorted({*log.lost, *log.exceptions}):
        print(f"  {line}")


@contextmanager
def serving(**settings: str) -> Iterator[AppServer]:
    """Start a server with links to the shipped models, in a folder that new models go to."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder) / "checkpoints"
        link_shipped_models(checkpoints)
        data = os.environ.get("LATENT_DATA_DIR", str(Path(folder) / "no-data"))
        # The training must last longer than the lesson.
        limits = {"LATENT_MAX_JOB_MINUTES": "100000"}
        settings = {"LATENT_DATA_DIR": data, "LATENT_WARM_UP": "1", **limits, **settings}
        with running_server(Path(folder), checkpoints, **settings) as server:
            yield server


def main() -> None:
    """Print the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=3.0, help="minutes of the lesson")
    parser.add_argument("--think", type=float, default=8.0, help="seconds between two actions")
    parser.add_argument("--drag", type=float, default=8.0, help="seconds that a person drags")
    parser.add_argument("--settle", type=float, default=SETTLE_SECONDS, help="seconds at the end")
    parser.add_argument("--no-training", action="store_true", help="train no model meanwhile")
    parser.add_argument("--wait", type=float, default=10.0, help="seconds of --part opening")
    parts = ("lesson", "dragging", "both", "live", "opening")
    parser.add_argument("--part", choices=parts, default="both", help="both: the first two parts")
    parser.add_argument("--json", action="store_true", help="print one JSON object as last line")
    options = parser.parse_args()
    found: dict = {"sessions": options.sessions, "minutes": options.minutes}
    if options.part in ("lesson", "both"):
        with serving() as server:
            found |= asyncio.run(lesson(server, options))
    if options.part in ("dragging", "both"):
        with serving(LATENT_BROWSER_MEGABYTES="0") as server:
            found |= asyncio.run(dragging(server, options))
    if options.part == "live":
        found |= live_part(options)
    if options.part == "opening":
        found |= opening_part(options)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
