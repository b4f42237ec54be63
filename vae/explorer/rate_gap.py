"""Compares a multi-rate model with models that were trained for one beta each."""

from dataclasses import dataclass

from vae.metrics.rate_curve import RateCurve
from vae.runs.run import Run


@dataclass(frozen=True)
class RateGap:
    """What a multi-rate model and a model of one beta each make of distortion + beta * rate."""

    beta: float
    seed: int
    """Of the model of one beta."""
    multi_rate: float
    """Nats per test image."""
    single_rate: float
    """Nats per test image."""
    epochs: tuple[float, float]
    """That the two were trained for."""

    @property
    def relative(self) -> float:
        """How much worse the multi-rate model is, as a share; negative where it is better."""
        return self.multi_rate / self.single_rate - 1


def rate_gap(curve: RateCurve, multi_rate: Run, single_rate: Run) -> RateGap:
    """Compare a multi-rate model with one trained for one beta of its range."""
    beta, results = single_rate.train.beta, single_rate.results
    return RateGap(
        beta,
        single_rate.train.seed,
        curve.objective(beta),
        results.test_distortion + beta * results.test_rate,
        (multi_rate.results.epochs_trained, results.epochs_trained),
    )
