"""Holds a measure that was taken several times: the values, their mean and standard deviation.

Example:
    >>> Replicates((0.25, 0.5, 0.75)).mean
    0.5
"""

import statistics
from dataclasses import dataclass

from vae.core.errors import ConfigError
from vae.core.record import Record, is_number


@dataclass(frozen=True)
class Replicates(Record):
    """The values of one measure, one for each repetition."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(map(is_number, self.values)):
            raise ConfigError(f"Replicates: expected a list of numbers, found {self.values!r:.60}")

    @property
    def mean(self) -> float:
        """The mean over the repetitions."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The sample standard deviation (divided by n - 1); 0 for a single value."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0
