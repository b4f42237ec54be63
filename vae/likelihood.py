"""How a decoder's output becomes an image, and what a real image costs under it."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from vae.config import ModelConfig

LOWEST_LOGIT = -80.0
"""Below it a pixel's sigmoid would underflow, and all that it adds is below 1e-34 nats."""


BLOCK_NUMBERS = 25_000
"""What a processor's nearest cache has room for several times over."""


class Likelihood(ABC):
    """p(x|z), given the decoder's raw output for z."""

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log p(x|z) in nats, summed over the image's pixels and channels.

        Differentiable by the output.
        """
        pixels = output.flatten(1), images.flatten(1)
        if not output.requires_grad:
            return self.distortion_and_gradient(*pixels)[0]
        return _Distortion.apply(self, *pixels)

    @abstractmethod
    def distortion_and_gradient(
        self, output: Float[Tensor, "*batch pixels"], images: Float[Tensor, "*batch pixels"]
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """The distortion and its gradient by the output, of which autograd records nothing."""


def pixel_mean(output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The decoded image, pixels in [0, 1]; every likelihood's output is a logit of its mean."""
    return torch.sigmoid(output)


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Each pixel a coin whose bias is the decoded grey value.

    On real-valued pixels this is the usual cross-entropy, not a density: its minimum is the
    image's own entropy, not 0, and values compare only with others of the same kind.
    """

    def distortion_and_gradient(
        self, output: Float[Tensor, "*batch pixels"], images: Float[Tensor, "*batch pixels"]
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """Binary cross-entropy of the logits: softplus(logit) - x * logit; sigmoid(logit) - x.

        softplus(l) = l - log(sigmoid(l)) shares the sigmoid with the gradient.
        """
        gradient, distortion = torch.empty_like(output), output.new_empty(output.shape[:-1])
        for rows in _blocks(output):
            logits, pixels = output[..., rows, :], images[..., rows, :]
            clamped = logits.clamp(min=LOWEST_LOGIT)
            means = torch.sigmoid(clamped, out=gradient[..., rows, :])
            clamped.sub_(torch.log(means)).addcmul_(logits, pixels, value=-1)
            torch.sum(clamped, dim=-1, out=distortion[..., rows])
            means.sub_(pixels)
        return distortion, gradient


@dataclass(frozen=True)
class Gaussian(Likelihood):
    """Each pixel normal around the decoded value with one fixed standard deviation.

    A density, so the distortion can be negative.
    """

    scale: float

    def distortion_and_gradient(
        self, output: Float[Tensor, "*batch pixels"], images: Float[Tensor, "*batch pixels"]
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """-log Normal(x; mean, scale), where mean = sigmoid(output)."""
        means = pixel_mean(output)
        residual = (means - images).div_(self.scale)
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        distortion = (0.5 * residual.square() + constant).sum(dim=-1)
        return distortion, residual.mul_(means).mul_(1 - means).div_(self.scale)


def build_likelihood(config: ModelConfig) -> Likelihood:
    """The likelihood that the configuration names."""
    if config.likelihood == "bernoulli":
        return Bernoulli()
    return Gaussian(config.pixel_scale)


def _blocks(output: Float[Tensor, "*batch pixels"]) -> list[slice]:
    """Rows of the last batch axis: on the CPU as many as its nearest cache has room for."""
    count, pixels = output.shape[-2:]
    size = max(1, BLOCK_NUMBERS // pixels) if output.device.type == "cpu" else max(1, count)
    return [slice(start, start + size) for start in range(0, count, size)]


class _Distortion(torch.autograd.Function):
    """The gradient comes with the value, at less than what autograd would add for it."""

    @staticmethod
    def forward(ctx: Any, likelihood: Likelihood, output: Tensor, images: Tensor) -> Tensor:
        found, gradient = likelihood.distortion_and_gradient(output, images)
        ctx.save_for_backward(gradient)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return None, gradients[0][:, None] * gradient, None
