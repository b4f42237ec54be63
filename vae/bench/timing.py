"""Contenders that take turns, so that whatever else the machine does hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

ROUNDS = 5


class Contender(Protocol):
    """Somebody who does the same thing again and again."""

    @property
    def name(self) -> str:
        """What it is called in `Rates`."""
        ...

    def rate(self, seconds: float) -> float:
        """Work for so many seconds; things done per second, such as images."""
        ...


@dataclass(frozen=True)
class Work:
    """A contender of this process."""

    name: str
    do: Callable[[], int]
    """Does it once; returns how many things that was."""

    wait: Callable[[], None] = lambda: None
    """Returns once the device has done all that it was given."""

    def rate(self, seconds: float) -> float:
        """See `Contender`."""
        self.wait()
        done, start = 0, time.perf_counter()
        while not done or time.perf_counter() - start < seconds:
            done += self.do()
        self.wait()
        return done / (time.perf_counter() - start)


@dataclass(frozen=True)
class Rates:
    """Things per second of each contender, a value for each round."""

    rounds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Things per second."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """How many times as fast as another: the median over rounds of the ratio within each."""
        pairs = zip(self.rounds[name], self.rounds[to], strict=True)
        return statistics.median(a / b for a, b in pairs)


def take_turns(contenders: Sequence[Contender], seconds: float) -> Rates:
    """Let each work for so many seconds in each of ROUNDS rounds, in turn, after a first one."""
    rounds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        contender.rate(seconds)
    for _ in range(ROUNDS):
        for contender in contenders:
            rounds[contender.name].append(contender.rate(seconds))
    return Rates(rounds)
