"""What a change of beta did to a measure, held against what a change of seed does to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, Self

Verdict = Literal["beta", "seeds", "unsettled", "constant", "unknown"]

CLEAR = 1.5
"""How many times the widest range over seeds the medians must span for beta to outweigh the seeds.

Were beta to do nothing (normally distributed seeds, 2 to 7 betas), they would in less than 2 % of
comparisons with 3 seeds a beta, and in 8 to 11 % with 2.
"""


@dataclass(frozen=True)
class SeedSummary:
    """One measure of one setting over its seeds."""

    median: float
    low: float
    high: float
    count: int
    """Seeds behind it."""

    @classmethod
    def from_values(cls, values: Sequence[float]) -> Self:
        """Of at least one value."""
        return cls(median(values), min(values), max(values), len(values))

    @property
    def range(self) -> float:
        """Highest less lowest; 0 where there is one seed."""
        return self.high - self.low


@dataclass(frozen=True)
class BetaEffect:
    """One measure over several betas, of one objective."""

    betas: tuple[float, ...]
    """At least two, rising."""

    summaries: tuple[SeedSummary, ...]
    """Over the seeds, a beta each."""

    @property
    def extremes(self) -> tuple[tuple[float, SeedSummary], tuple[float, SeedSummary]]:
        """The beta of the lowest median and that of the highest, with their spreads."""
        found = sorted(
            zip(self.betas, self.summaries, strict=True), key=lambda pair: pair[1].median
        )
        return found[0], found[-1]

    @property
    def span(self) -> float:
        """How far apart the medians of the betas lie."""
        (_, low), (_, high) = self.extremes
        return high.median - low.median

    @property
    def seed_ranges(self) -> tuple[float, ...]:
        """Of the betas that have several seeds."""
        return tuple(spread.range for spread in self.summaries if spread.count > 1)

    @property
    def verdict(self) -> Verdict:
        """Which of the two moves the measure more; "unknown" with one seed a beta.

        Beta where its medians span over `CLEAR` times the widest range over the seeds of one beta;
        the seeds where the medians span no more than the typical, the median, such range.
        """
        if not self.seed_ranges:
            return "unknown"
        if self.span == 0 and max(self.seed_ranges) == 0:
            return "constant"
        if self.span > CLEAR * max(self.seed_ranges):
            return "beta"
        return "seeds" if self.span <= median(self.seed_ranges) else "unsettled"


def beta_effect(values: Mapping[float, Sequence[float]]) -> BetaEffect | None:
    """Of a measure's values by beta, one a seed; None where fewer than two betas have any."""
    known = {beta: values[beta] for beta in sorted(values) if len(values[beta])}
    if len(known) < 2:
        return None
    return BetaEffect(
        tuple(known), tuple(SeedSummary.from_values(seeds) for seeds in known.values())
    )


def by_verdict(
    effects: Mapping[str, BetaEffect],
) -> dict[Verdict, list[str]]:
    """The names of those of one verdict together."""
    found: dict[Verdict, list[str]] = {}
    for name, effect in effects.items():
        found.setdefault(effect.verdict, []).append(name)
    return found


def format_interval(effect: BetaEffect, write: Callable[[float], str]) -> str:
    """Such as "0.10 to 0.15, seeds 0.12": the medians' ends, the widest range over the seeds.

    Where beta outweighs the seeds it is said which betas the ends are of: "0.10 at β 1 to ...".
    """
    says_where = effect.verdict == "beta"
    low, high = (
        write(spread.median) + (f" at β {beta:g}" if says_where else "")
        for beta, spread in effect.extremes
    )
    text = f"{low} to {high}"
    if effect.seed_ranges:
        text += f", seeds {write(max(effect.seed_ranges))}"
    return text


def describe_tradeoff(rate: BetaEffect, distortion: BetaEffect, elbo: BetaEffect) -> str:
    """What the highest beta paid and what it got, and which has the best ELBO, in medians."""
    first, last = rate.betas[0], rate.betas[-1]
    best, spread = elbo.extremes[1]
    height = f"{spread.median:.1f}".replace("-", "−")
    return (
        f"From β {first:g} to β {last:g} the rate {_moved(rate)} and the distortion "
        f"{_moved(distortion)} nats per test image; the ELBO is best at β {best:g}, {height} nats."
    )


def _moved(effect: BetaEffect) -> str:
    first, last = effect.summaries[0].median, effect.summaries[-1].median
    verb = "stays" if f"{first:.1f}" == f"{last:.1f}" else "rises" if last > first else "falls"
    if verb == "stays":
        return f"stays at {first:.1f}"
    return f"{verb} from {first:.1f} to {last:.1f}"
