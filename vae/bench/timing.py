"""Times contenders in turn, so that other load on the machine affects all of them alike.

Example:
    >>> rates = take_turns([Work("ours", train, 128), Work("theirs", their_train, 128)], seconds=1)
    >>> rates.median("ours"), rates.ratio("ours", "theirs")
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.utils.benchmark import Timer

ROUNDS = 5


class Contender(Protocol):
    """Does one kind of work repeatedly."""

    @property
    def name(self) -> str:
        """The name in `Rates`."""
        ...

    def rate(self, seconds: float) -> float:
        """Work for about `seconds`; return the items per second, such as images."""
        ...


@dataclass(frozen=True)
class Work:
    """A contender in this process."""

    name: str
    do: Callable[[], object]
    """Does the work once."""

    count: int
    """The number of items that each call of `do` handles."""

    def rate(self, seconds: float) -> float:
        """See `Contender`; the median over blocks of calls."""
        timer = Timer("do()", globals={"do": self.do}, num_threads=torch.get_num_threads())
        return self.count / timer.blocked_autorange(min_run_time=seconds).median


@dataclass(frozen=True)
class Rates:
    """Items per second of each contender in each round."""

    rounds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Return the median over the rounds, in items per second."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """Return the speed relative to another contender: the median over the rounds' ratios."""
        pairs = zip(self.rounds[name], self.rounds[to], strict=True)
        return statistics.median(a / b for a, b in pairs)


def take_turns(contenders: Sequence[Contender], seconds: float) -> Rates:
    """Time all contenders in turn in each of ROUNDS rounds, after a warm-up round."""
    for contender in contenders:
        contender.rate(seconds)
    rounds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(ROUNDS):
        for contender in contenders:
            rounds[contender.name].append(contender.rate(seconds))
    return Rates(rounds)
