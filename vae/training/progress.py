"""Reports on a training run, and the running sums and the times that they are computed from.

Example:
    >>> sums = RunningSums(latent_dim=2)
    >>> sums.add(64, torch.tensor([5120.0, 128.0, 64.0]), beta=1.0)
    >>> sums.distortion, sums.rate_per_dimension  # nats per image
    (80.0, (2.0, 1.0))
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae.metrics.evaluation import Evaluation


@dataclass(frozen=True)
class Report:
    """The progress of a run; losses are means over the training images since the last report."""

    epoch: int
    """Number of finished epochs."""

    step: int
    """Number of finished steps."""

    steps: int
    """Number of steps of the whole run."""

    beta: float
    """Beta at the last step; for a model with a range of betas, the beta of `TrainConfig`."""

    distortion: float
    """Nats per image, estimated with one posterior sample per image."""

    rate_per_dimension: tuple[float, ...]
    """Nats per image."""

    images_per_second: float
    """Speed of the training loop alone since the last report, over all concurrent runs."""

    seconds: float
    """Seconds in the training loop so far; concurrent runs divide the time equally."""

    seconds_left: float
    """Estimated wall-clock seconds to the end of the run."""

    inactive: tuple[int, ...] | None
    """Inactive dimensions at the end of the last epoch; None before the first epoch ends."""

    validation: Evaluation | None
    """Evaluation on up to 5,000 held-out images at the end of an epoch; None without any."""

    ends_epoch: bool
    """Whether this report covers one whole epoch and ends it."""

    @property
    def rate(self) -> float:
        """The rate summed over the dimensions, in nats per image."""
        return math.fsum(self.rate_per_dimension)

    @property
    def active_units(self) -> int | None:
        """Active units by Burda's criterion at the end of the last epoch; None before the first."""
        return None if self.inactive is None else len(self.rate_per_dimension) - len(self.inactive)


class RunningSums:
    """Sums of the distortion and of each dimension's rate over images, in nats."""

    def __init__(self, latent_dim: int) -> None:
        self.images = 0
        self.beta = 0.0
        self._sums = torch.zeros(1 + latent_dim, dtype=torch.float64)

    def add(self, images: int, sums: Float[Tensor, "terms"], beta: float) -> None:
        """Add the sums over some more images; `beta` is the beta of the last of them."""
        self.images += images
        self._sums += sums
        self.beta = beta

    def merge(self, later: "RunningSums") -> None:
        """Add other sums, and take over their beta."""
        self.add(later.images, later._sums, later.beta)

    def state(self) -> dict[str, Tensor]:
        """Return named tensors that `restore` reads."""
        return {"images": torch.tensor(self.images), "sums": self._sums.clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from the tensors that `state` gave."""
        self.images = int(state["images"])
        self._sums.copy_(state["sums"])

    @property
    def distortion(self) -> float:
        """The mean distortion, in nats per image."""
        return float(self._sums[0]) / max(1, self.images)

    @property
    def rate_per_dimension(self) -> tuple[float, ...]:
        """The mean rates, in nats per image."""
        return tuple((self._sums[1:] / max(1, self.images)).tolist())

    @property
    def is_finite(self) -> bool:
        """Whether no sum is infinite or NaN."""
        return bool(torch.isfinite(self._sums).all())


class Throughput:
    """Measures the seconds of the training loop alone, and its images per second."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.recent = 0.0
        """Images per second since the last report, or of the epoch that has just ended."""

        self._epochs = [(0, 0.0)]

    def resume(self, seconds: float) -> None:
        """Continue from the seconds that an earlier process spent."""
        self.seconds = seconds

    def add(self, images: int, seconds: float) -> None:
        """Count images and the seconds that they took."""
        self.seconds += seconds
        self.recent = images / seconds
        counted, spent = self._epochs[-1]
        self._epochs[-1] = (counted + images, spent + seconds)

    def end_epoch(self) -> None:
        """Start a new epoch; later images count for it."""
        counted, spent = self._epochs[-1]
        self.recent = counted / spent
        self._epochs.append((0, 0.0))

    @property
    def images_per_second(self) -> float:
        """The speed over all epochs, without the first one if there are more."""
        timed = [epoch for epoch in self._epochs if epoch[0]]
        kept = timed[1:] or timed
        return sum(n for n, _ in kept) / sum(s for _, s in kept) if kept else 0.0
