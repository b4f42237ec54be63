"""A class on one server: `python -m tests.benchmarks.class_of_thirty --minutes 3`.

Thirty sessions (`--sessions`) speak Streamlit's protocol to a server that this module starts, while
one model trains on it. In the first part they walk over all pages as people do, with the settings
that ship; some shut their laptops in the middle of something and come back. In the second all
decoders are the server's, and people drag on them between their pages. `--minutes 60` is a long
soak: its table says how memory went from the middle to the end. `--part live` asks whether one real
browser notices the class (see `live_in_class`), `--part opening` how long people wait for the first
look at each page.
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
from tests.load.lesson import PAGES, Log, Manner, prepare, teach
from tests.load.process_usage import Usage, active_sessions, usage
from tests.load.visitor import visiting
from tests.support.app_server import PROJECT, AppServer, running_server

MODELS = ("mnist-map", "mnist-map", "mnist-best", "mnist-beta-1")
"""What the people look at: half of them what is chosen for them."""

SERVED_SECONDS = 40.0
LOOK_SECONDS = 5.0
OWN_STOPS = {"Cancel", "Stop"}
STOP = "Stop it all the same"
"""What is asked of those who did not start it."""
SETTLE_SECONDS = 150.0
"""After the last one has left, until memory is read: longer than sessions are kept for return."""


@dataclass
class Watch:
    """How the server's use of the machine went."""

    looks: list[tuple[float, Usage]] = field(default_factory=list)

    def megabytes_per_hour(self) -> float:
        """How fast memory grew over the second half, as a straight line through the looks."""
        half = self.looks[len(self.looks) // 2 :]
        if len(half) < 3:
            return float("nan")
        hours, megabytes = [at / 3600 for at, _ in half], [look.megabytes for _, look in half]
        return statistics.linear_regression(hours, megabytes).slope

    def cores(self) -> float:
        """Cores in use on average."""
        (begun, first), (ended, last) = self.looks[0], self.looks[-1]
        return (last.cpu_seconds - first.cpu_seconds) / (ended - begun)

    def most(self) -> Usage:
        """The look with the most memory."""
        return max((look for _, look in self.looks), key=lambda look: look.megabytes)


@contextmanager
def watching(pid: int) -> Iterator[Watch]:
    """Look at a process every few seconds, and at both ends."""
    watch, over = Watch(), threading.Event()

    def look() -> None:
        while True:
            watch.looks.append((time.monotonic(), usage(pid)))
            if over.wait(LOOK_SECONDS):
                break

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        watch.looks.append((time.monotonic(), usage(pid)))


@asynccontextmanager
async def training(address: str, wanted: bool):
    """One model that trains, started by a person on the page Train, who then leaves it alone."""
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
    """The first part: all pages, as shipped."""
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
    """Memory, threads and open files: before, with the class, and once it has left."""
    print(
        "| the server | as started | every page seen | at most | after |\n|---|---:|---:|---:|---:|"
    )
    looks = (started, prepared, watch.most(), after)
    for name in ("megabytes", "threads", "descriptors"):
        numbers = [f"{getattr(look, name):.0f}" for look in looks]
        print(f"| {name} | {' | '.join(numbers)} |")
    print(f"memory over the second half: {watch.megabytes_per_hour():+.0f} MB an hour")


async def settle(server: AppServer, wait: float) -> None:
    """Wait until the server has let go of those who left."""
    assert active_sessions(server.address) == 0, "everybody has left, and somebody is still there"
    await asyncio.sleep(wait)
    # Streamlit forgets old sessions when the next one comes or goes.
    async with visiting(server.address) as visitor:
        await visitor.open("lab")


async def dragging(server: AppServer, options: argparse.Namespace) -> dict:
    """The second part: every decoder on the server, and most people drag."""
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
    """One real browser beside the class."""
    await prepare(server.address, sorted(set(MODELS)))
    manner = Manner(MODELS, think_seconds=options.think)
    train = partial(training, server.address, not options.no_training)
    return await measure(server.address, browser, options.sessions, manner, train)


def live_part(options: argparse.Namespace) -> dict:
    """With the browser as one among all, and before the others, as if on a machine of its own."""
    found = {}
    for comes_first in (False, True):
        print(
            "the browser comes before server, class and training, as a laptop of its own would:"
            if comes_first
            else f"server, class, training and browser share {os.cpu_count()} cores alike:"
        )
        with chromium(comes_first) as browser, serving() as server:
            beside = asyncio.run(live(server, browser, options))
        print_beside(beside, options.sessions)
        name = "first" if comes_first else "alike"
        found |= {f"live_ratio_{name}": beside.ratio, f"live_messages_{name}": beside.messages}
    return found


async def first_looks(server: AppServer, pages: Sequence[str], wait: float) -> list[float]:
    """One after the other, the second and later ones after a wait."""
    async with visiting(server.address) as visitor:
        looks = [await visitor.open(pages[0], f"model={MODELS[0]}")]
        await asyncio.sleep(wait if len(pages) > 1 else 0)
        return looks + [await visitor.open(page) for page in pages[1:]]


def opening_part(options: argparse.Namespace) -> dict:
    """Each page as the first of a server; and all of them some time after the first, Home."""
    cold = {}
    for page in PAGES:
        with serving() as server:
            cold[page] = asyncio.run(first_looks(server, [page], 0))[0]
    with serving() as server:
        looks = asyncio.run(first_looks(server, PAGES, options.wait))
    print(f"| page | a server's first | {options.wait:g} s after Home |\n|---|---:|---:|")
    for page, later in zip(PAGES, looks, strict=True):
        print(f"| {page or 'home'} | {cold[page]:.1f} s | {later:.1f} s |")
    return {"first_page_at_most": max(cold.values()), "later_at_most": max(looks[1:])}


def seconds(log: Log) -> list[float]:
    """Of all page switches."""
    return [taken for _, taken in log.switches]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def in_words(values: Sequence[float]) -> str:
    """Median, 95 % and the worst."""
    found = [1000 * quantile(values, share) for share in (0.5, 0.95, 1.0)]
    return "p50 {:.0f}, p95 {:.0f}, at most {:.0f} ms".format(*found)


def print_switches(cold: Log, log: Log) -> None:
    """A row a page."""
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
    """What else happened."""
    print(
        f"native sliders: {len(log.moves)} moved, {in_words(log.moves)}; "
        f"{log.vanished} sessions vanished and came back; {len(log.lost)} lost, "
        f"{len(log.exceptions)} exceptions on pages; the server used {watch.cores():.2f} cores"
    )
    for line in sorted({*log.lost, *log.exceptions}):
        print(f"  {line}")


@contextmanager
def serving(**settings: str) -> Iterator[AppServer]:
    """A server over the shipped models, whose folder takes what is trained meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder) / "checkpoints"
        checkpoints.mkdir()
        for item in (PROJECT / "checkpoints").iterdir():
            (checkpoints / item.name).symlink_to(item)
        data = os.environ.get("LATENT_DATA_DIR", str(Path(folder) / "no-data"))
        # The training has to outlast the lesson.
        limits = {"LATENT_MAX_JOB_MINUTES": "100000"}
        settings = {"LATENT_DATA_DIR": data, "LATENT_WARM_UP": "1", **limits, **settings}
        with running_server(Path(folder), checkpoints, **settings) as server:
            yield server


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=3.0, help="of the lesson")
    parser.add_argument("--think", type=float, default=8.0, help="seconds between two actions")
    parser.add_argument("--drag", type=float, default=8.0, help="seconds that a hand drags")
    parser.add_argument("--settle", type=float, default=SETTLE_SECONDS, help="seconds at the end")
    parser.add_argument("--no-training", action="store_true", help="no model trains beside them")
    parser.add_argument("--wait", type=float, default=10.0, help="seconds of --part opening")
    parts = ("lesson", "dragging", "both", "live", "opening")
    parser.add_argument("--part", choices=parts, default="both", help="both: the first two")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
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
