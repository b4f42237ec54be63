"""Compares a multi-rate model with models that were trained for one beta each.

Example:
    gap = rate_gap(curve, multi_rate, single_rate)  # a `RateCurve` and two `Run`s
    print(f"{gap.relative:.1%} above a model of beta {gap.beta:g}")
"""

from dataclasses import dataclass

from vae.metrics.rate_curve import RateCurve
from vae.runs.run import Run


@dataclass(frozen=True)
class RateGap:
    """The objective distortion + beta * rate of a multi-rate model and of a model of one beta."""

    beta: float
    seed: int
    """The training seed of the model of one beta."""
    multi_rate: float
    """The multi-rate model's objective, in nats per test image."""
    single_rate: float
    """The objective of the model of one beta, in nats per test image."""
    epochs: tuple[float, float]
    """The training epochs of the two models."""

    @property
    def relative(self) -> float:
        """The multi-rate model's relative excess; negative where it is better."""
        return self.multi_rate / self.single_rate - 1


def rate_gap(curve: RateCurve, multi_rate: Run, single_rate: Run) -> RateGap:
    """Compares a multi-rate model with a model of one beta of its range."""
    beta, results = single_rate.train.beta, single_rate.results
    return RateGap(
        beta,
        single_rate.train.seed,
        curve.objective(beta),
        results.test_distortion + beta * results.test_rate,
        (multi_rate.results.epochs_trained, results.epochs_trained),
    )
