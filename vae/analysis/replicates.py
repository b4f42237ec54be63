"""One measure taken several times: a value for each draw, their mean and how far they scatter."""

import statistics
import sys
from dataclasses import dataclass

from vae.core.errors import ConfigError
from vae.core.record import Record


@dataclass(frozen=True)
class Replicates(Record):
    """The values of one measure, one for each draw."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        ok = isinstance(self.values, tuple) and len(self.values) > 0
        most = sys.float_info.max
        if not ok or not all(isinstance(v, int | float) and abs(v) <= most for v in self.values):
            raise ConfigError(f"Replicates: expected a list of numbers, found {self.values!r:.60}")

    @property
    def mean(self) -> float:
        """Over the draws."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation of a draw (n - 1 below the line); 0 for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0
