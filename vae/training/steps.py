"""The interface of an optimiser step, which the training loop calls.

Example:
    >>> def take_steps(step: Step, batches: list[Tensor]) -> None:
    ...     for indices in batches:
    ...         step(indices, kl_scale=torch.tensor(1.0), learning_rate=torch.tensor(1e-3))
"""

from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Step(Protocol):
    """Takes one optimiser step of one or more models of one shape.

    Models of the same seed share a noise stream: the order of their images and their noise. All
    values that change from step to step are tensors on the device, so a CUDA graph can record a
    step once and replay it.
    """

    sums: Float[Tensor, "models terms"]
    """Each model's distortion and rate per dimension in nats, summed over the images so far."""

    generators: list[torch.Generator]
    """The generators that the step draws its noise from, one for each noise stream."""

    def __call__(
        self,
        indices: Int[Tensor, "noise_streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """Take a step on the training images at `indices`, with beta multiplied by `kl_scale`."""
        ...
