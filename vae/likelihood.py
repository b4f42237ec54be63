"""How a decoder's output becomes an image, and what a real image costs under it."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae.config import ModelConfig


class Likelihood(Protocol):
    """p(x|z), given the decoder's raw output for z."""

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log p(x|z) in nats, summed over the image's pixels and channels."""
        ...


def pixel_mean(output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The decoded image, pixels in [0, 1]; every likelihood's output is a logit of its mean."""
    return torch.sigmoid(output)


@dataclass(frozen=True)
class Bernoulli:
    """Each pixel a coin whose bias is the decoded grey value.

    On real-valued pixels this is the usual cross-entropy, not a density: its minimum is the
    image's own entropy, not 0, and values compare only with others of the same kind.
    """

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Binary cross-entropy in nats, summed over pixels; at least 0."""
        loss = F.binary_cross_entropy_with_logits(output, images, reduction="none")
        return loss.flatten(1).sum(dim=1)


@dataclass(frozen=True)
class Gaussian:
    """Each pixel normal around the decoded value with one fixed standard deviation.

    A density, so the distortion can be negative.
    """

    scale: float

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log Normal(x; mean, scale) in nats, summed over pixels."""
        squared = ((images - pixel_mean(output)) / self.scale).square()
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        return (0.5 * squared + constant).flatten(1).sum(dim=1)


def build_likelihood(config: ModelConfig) -> Likelihood:
    """The likelihood that the configuration names."""
    if config.likelihood == "bernoulli":
        return Bernoulli()
    return Gaussian(config.pixel_scale)
