"""What a class does: thirty people, each at their own pace, over all pages and their controls."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pages.ui.layout import SCREENS
from tests.load.visitor import Disconnected, Visitor, visiting

PAGES = tuple("" if s.file == "app.py" else s.file[len("pages/") : -len(".py")] for s in SCREENS)
INSTRUMENT = "decode"
"""The page on which people drag."""


@dataclass(frozen=True)
class Manner:
    """How the people of a class behave."""

    models: Sequence[str]
    """Each of them looks at one."""
    think_seconds: float = 8.0
    """Between two actions, on average."""
    vanishing: float = 0.03
    """The chance that an action ends with a laptop's lid shut; its owner comes back."""
    drag_seconds: float = 4.0
    """How long a hand stays on a slider that the server decodes for."""
    on_instrument: float = 0.0
    """The chance that the next page is the one with the instrument."""


@dataclass
class Log:
    """What happened to all of them."""

    switches: list[tuple[str, float]] = field(default_factory=list)
    """Pages, and the seconds until their runs had ended."""
    moves: list[float] = field(default_factory=list)
    """The same of native sliders."""
    answers: list[float] = field(default_factory=list)
    """The same of pictures decoded on the server."""
    vanished: int = 0
    exceptions: list[str] = field(default_factory=list)
    """What pages showed as an exception."""
    lost: list[str] = field(default_factory=list)
    """People whom the server left waiting, or threw out, and why."""


async def attend(address: str, person: int, manner: Manner, log: Log, end: float) -> None:
    """One person, until the clock (monotonic) says `end`."""
    chance = random.Random(person)
    model = manner.models[person % len(manner.models)]
    await asyncio.sleep(chance.random() * min(manner.think_seconds, 5))
    while time.monotonic() < end:
        try:
            async with visiting(address, seed=person) as visitor:
                await _stay(visitor, model, chance, manner, log, end)
        except (TimeoutError, OSError, Disconnected) as error:
            log.lost.append(f"{type(error).__name__} {error}")


async def _stay(
    visitor: Visitor, model: str, chance: random.Random, manner: Manner, log: Log, end: float
) -> None:
    query = f"model={model}"
    while time.monotonic() < end:
        page = INSTRUMENT if chance.random() < manner.on_instrument else chance.choice(PAGES)
        log.switches.append((page, await visitor.open(page, query)))
        query = ""
        log.exceptions += visitor.screen.exceptions
        await _think(chance, manner, end)
        if chance.random() < manner.vanishing:
            await _vanish(visitor, chance)
            log.vanished += 1
            return
        await _use_controls(visitor, chance, manner, log, end)


async def _use_controls(
    visitor: Visitor, chance: random.Random, manner: Manner, log: Log, end: float
) -> None:
    released = min(end, time.monotonic() + manner.drag_seconds)
    while visitor.screen.exchange is not None and time.monotonic() < released:
        seconds = await visitor.ask_served()
        assert seconds is not None
        log.answers.append(seconds)
    seconds = await visitor.move_slider()
    if seconds is not None:
        log.moves.append(seconds)
        await _think(chance, manner, end)


async def _think(chance: random.Random, manner: Manner, end: float) -> None:
    seconds = manner.think_seconds * (0.5 + chance.random())
    await asyncio.sleep(max(0.0, min(seconds, end - time.monotonic())))


async def _vanish(visitor: Visitor, chance: random.Random) -> None:
    """In the middle of a drag or of a page's run."""
    if visitor.screen.exchange is not None:
        visitor.send_served()
    else:
        visitor.request_page(chance.choice(PAGES))
    await visitor.vanish()


async def teach(address: str, count: int, manner: Manner, seconds: float) -> Log:
    """A class of `count` for `seconds`."""
    log, end = Log(), time.monotonic() + seconds
    await asyncio.gather(*(attend(address, who, manner, log, end) for who in range(count)))
    return log


async def prepare(address: str, models: Sequence[str]) -> Log:
    """What a teacher does before the lesson: look at every page once, with every model."""
    log = Log()
    async with visiting(address) as visitor:
        for model in models:
            for page in PAGES:
                log.switches.append((page, await visitor.open(page, f"model={model}")))
                log.exceptions += visitor.screen.exceptions
    return log
