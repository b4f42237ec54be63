"""What is told of a training under way, and what that is worked out from."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae.metrics.evaluation import Evaluation


@dataclass(frozen=True)
class Report:
    """How training stands; losses are means over the training images since the last report."""

    epoch: int
    """Epochs finished."""

    step: int
    """Steps finished."""

    steps: int
    """Steps in all."""

    beta: float
    """Beta at the last step; with a range of betas, the one that is reported at."""

    distortion: float
    """Nats per image, one posterior sample each."""

    rate_per_dimension: tuple[float, ...]
    """Nats per image."""

    images_per_second: float
    """Of the training loop alone, since the last report; of all models that train together."""

    seconds: float
    """Spent in the training loop so far; of models that train together, each one's share."""

    seconds_left: float
    """Estimated for the rest of it, by the clock."""

    inactive: tuple[int, ...] | None
    """Dimensions that are not active, as of the last finished epoch; None before the first."""

    validation: Evaluation | None
    """At the end of an epoch, on up to 5,000 held-out images; None where none are held out."""

    ends_epoch: bool
    """Whether this report covers one whole epoch and closes it."""

    @property
    def rate(self) -> float:
        """Nats per image, summed over the dimensions."""
        return math.fsum(self.rate_per_dimension)

    @property
    def active_units(self) -> int | None:
        """As of the last finished epoch, by Burda's criterion; None before the first."""
        return None if self.inactive is None else len(self.rate_per_dimension) - len(self.inactive)


class RunningSums:
    """Sums over images: of the distortion, then of each dimension's rate, in nats."""

    def __init__(self, latent_dim: int) -> None:
        self.images = 0
        self.beta = 0.0
        self._sums = torch.zeros(1 + latent_dim, dtype=torch.float64)

    def count(self, images: int, sums: Float[Tensor, "terms"], beta: float) -> None:
        """Add what so many images came to."""
        self.images += images
        self._sums += sums
        self.beta = beta

    def add(self, other: "RunningSums") -> None:
        """Add another tally, whose beta is the later one."""
        self.count(other.images, other._sums, other.beta)

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes."""
        return {"images": torch.tensor(self.images), "sums": self._sums.clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up a tally where `state` left it."""
        self.images = int(state["images"])
        self._sums.copy_(state["sums"])

    @property
    def distortion(self) -> float:
        """The mean, in nats per image."""
        return float(self._sums[0]) / max(1, self.images)

    @property
    def rate_per_dimension(self) -> tuple[float, ...]:
        """The means, in nats per image."""
        return tuple((self._sums[1:] / max(1, self.images)).tolist())

    @property
    def is_finite(self) -> bool:
        """Whether every sum is a number."""
        return bool(torch.isfinite(self._sums).all())


class Throughput:
    """Seconds in the training loop alone, and the images that they were for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.recent = 0.0
        """Images a second: since the last report, or of the epoch that has just ended."""

        self._epochs = [(0, 0.0)]

    def resume(self, seconds: float) -> None:
        """Go on from what an earlier process spent."""
        self.seconds = seconds

    def add(self, images: int, seconds: float) -> None:
        """So many images took so long."""
        self.seconds += seconds
        self.recent = images / seconds
        counted, spent = self._epochs[-1]
        self._epochs[-1] = (counted + images, spent + seconds)

    def end_epoch(self) -> None:
        """The next images are another epoch's."""
        counted, spent = self._epochs[-1]
        self.recent = counted / spent
        self._epochs.append((0, 0.0))

    @property
    def images_per_second(self) -> float:
        """Over all epochs, the first left out when there are more."""
        timed = [epoch for epoch in self._epochs if epoch[0]]
        kept = timed[1:] or timed
        return sum(n for n, _ in kept) / sum(s for _, s in kept) if kept else 0.0
