"""What a step of training is, whoever takes it: the seam between the loop and the arithmetic."""

from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Step(Protocol):
    """One optimiser step of one or more models of one shape.

    Some of the models may share their order of images and their noise: a stream. Everything that
    changes from step to step is a tensor on the device, so that a step can be recorded once and
    played again.
    """

    sums: Float[Tensor, "models terms"]
    """Per model: the distortion and each dimension's rate in nats, summed over images so far."""

    generators: list[torch.Generator]
    """What the step draws its noise from."""

    def __call__(
        self,
        indices: Int[Tensor, "streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """Take the step on these training images, with beta scaled by `kl_scale` (the warm-up)."""
        ...
