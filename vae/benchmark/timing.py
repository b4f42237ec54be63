"""Contenders that take turns, so that whatever else the machine does hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Contender:
    """A piece of work that can be done again and again."""

    name: str
    work: Callable[[], int]
    """Does it once; returns how many things that was, such as images."""

    wait: Callable[[], None] = lambda: None
    """Returns once the device has done all that it was given."""


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


def take_turns(contenders: Sequence[Contender], seconds: float, warmup: int = 3) -> Rates:
    """Let each work for so many seconds in each of ROUNDS rounds, in turn."""
    for contender in contenders:
        for _ in range(warmup):
            contender.work()
        contender.wait()
    rounds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(ROUNDS):
        for contender in contenders:
            rounds[contender.name].append(rate(contender, seconds))
    return Rates(rounds)


def rate(contender: Contender, seconds: float) -> float:
    """Things per second."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        done += contender.work()
    contender.wait()
    return done / (time.perf_counter() - start)
