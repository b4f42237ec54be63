"""Compares the effect of beta on a measure with the effect of the random seed.

Example:
    >>> effect = beta_effect({1.0: [25.1, 25.3], 4.0: [14.0, 14.2]})
    >>> effect.verdict
    'beta'
    >>> format_interval(effect, "{:.1f}".format)
    '14.1 at β 4 to 25.2 at β 1, seeds 0.2'
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, Self

Verdict = Literal["beta", "seeds", "unsettled", "constant", "unknown"]
"""Which of beta and the seeds changes a measure more; see `BetaEffect.verdict`."""

CLEAR = 1.5
"""Beta outweighs the seeds when the medians span this many times the widest range over seeds.

If beta had no effect (normally distributed seeds, 2 to 7 betas), that would happen in less than 2 %
of comparisons with 3 seeds for each beta, and in 8 to 11 % with 2 seeds.
"""


@dataclass(frozen=True)
class SeedSummary:
    """The values of one measure over the seeds of one setting."""

    median: float
    low: float
    high: float
    count: int
    """Number of seeds."""

    @classmethod
    def from_values(cls, values: Sequence[float]) -> Self:
        """Summarise the values, of which there is at least one."""
        return cls(median(values), min(values), max(values), len(values))

    @property
    def range(self) -> float:
        """The highest value minus the lowest; 0 with one seed."""
        return self.high - self.low


@dataclass(frozen=True)
class BetaEffect:
    """One measure of one objective over several betas."""

    betas: tuple[float, ...]
    """At least two betas, in rising order."""

    summaries: tuple[SeedSummary, ...]
    """A summary over the seeds for each beta."""

    @property
    def extremes(self) -> tuple[tuple[float, SeedSummary], tuple[float, SeedSummary]]:
        """The beta of the lowest median and that of the highest, each with its summary."""
        pairs = zip(self.betas, self.summaries, strict=True)
        ranked = sorted(pairs, key=lambda pair: pair[1].median)
        return ranked[0], ranked[-1]

    @property
    def span(self) -> float:
        """The highest median minus the lowest."""
        (_, low), (_, high) = self.extremes
        return high.median - low.median

    @property
    def seed_ranges(self) -> tuple[float, ...]:
        """The ranges over seeds of the betas that have several seeds."""
        return tuple(summary.range for summary in self.summaries if summary.count > 1)

    @property
    def verdict(self) -> Verdict:
        """Whether beta or the seeds change the measure more; "unknown" with one seed per beta.

        The verdict is "beta" when the medians span more than `CLEAR` times the widest range over
        seeds. It is "seeds" when they span no more than the median of these ranges.
        """
        if not self.seed_ranges:
            return "unknown"
        if self.span == 0 and max(self.seed_ranges) == 0:
            return "constant"
        if self.span > CLEAR * max(self.seed_ranges):
            return "beta"
        return "seeds" if self.span <= median(self.seed_ranges) else "unsettled"


def beta_effect(values: Mapping[float, Sequence[float]]) -> BetaEffect | None:
    """Summarise a measure's values by beta; returns None when fewer than two betas have values."""
    known = {beta: values[beta] for beta in sorted(values) if len(values[beta])}
    if len(known) < 2:
        return None
    return BetaEffect(tuple(known), tuple(map(SeedSummary.from_values, known.values())))


def by_verdict(effects: Mapping[str, BetaEffect]) -> dict[Verdict, list[str]]:
    """Group the names of measures by their verdict."""
    found: dict[Verdict, list[str]] = {}
    for name, effect in effects.items():
        found.setdefault(effect.verdict, []).append(name)
    return found


def format_interval(effect: BetaEffect, write: Callable[[float], str]) -> str:
    """Format the extreme medians and the widest range over seeds: "0.10 to 0.15, seeds 0.12".

    When beta outweighs the seeds, the text names the betas as well: "0.10 at β 1 to ...".
    """
    names_betas = effect.verdict == "beta"
    low, high = (
        write(summary.median) + (f" at β {beta:g}" if names_betas else "")
        for beta, summary in effect.extremes
    )
    text = f"{low} to {high}"
    if effect.seed_ranges:
        text += f", seeds {write(max(effect.seed_ranges))}"
    return text


def describe_tradeoff(rate: BetaEffect, distortion: BetaEffect, elbo: BetaEffect) -> str:
    """Describe in one sentence how rate, distortion and ELBO change from the lowest beta on."""
    first, last = rate.betas[0], rate.betas[-1]
    best, summary = elbo.extremes[1]
    height = f"{summary.median:.1f}".replace("-", "−")
    return (
        f"From β {first:g} to β {last:g} the rate {_change(rate)} and the distortion "
        f"{_change(distortion)} nats per test image; the ELBO is best at β {best:g}, {height} nats."
    )


def _change(effect: BetaEffect) -> str:
    first, last = effect.summaries[0].median, effect.summaries[-1].median
    if f"{first:.1f}" == f"{last:.1f}":
        return f"stays at {first:.1f}"
    return f"{'rises' if last > first else 'falls'} from {first:.1f} to {last:.1f}"
