"""How a decoder's output becomes an image, and what a real image costs under it.

| name             | p(x|z) of a pixel                            | its distortion is           |
|------------------|----------------------------------------------|-----------------------------|
| bernoulli        | a coin, its bias the decoded grey value      | a cross-entropy             |
| gaussian         | normal around it, of a scale that is set     | a density's; can be negative|
| gaussian-learned | the same, of a scale that is learned         | a density's; can be negative|
| logistic         | one of 256 levels, of scales that are learned| a probability's; at least 0 |

Only the last is the price of the image as it is stored, in whole levels: divided by ln 2 and the
number of pixels and channels, -ELBO is an upper bound on the bits per dimension. The first two have
gradients written by hand and parameters that are set; the others learn and leave it to autograd.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from vae.core.config import Likelihood as LikelihoodName
from vae.core.config import ModelConfig

LOWEST_LOGIT = -80.0
"""Below it a pixel's sigmoid would underflow, and all that it adds is below 1e-34 nats."""


BLOCK_NUMBERS = 2**17
"""What a processor's own cache has room for several times over."""


LEVELS = 256
"""Of an 8-bit pixel, 0 to 255; pixels in [0, 1] are 255ths."""

LOWEST_LOG_SCALE = -6.0
"""Learned scales stay above exp of it, 0.0025; as Rybkin et al. 2021, who give it in their code."""

MANUAL_LIKELIHOODS: tuple[LikelihoodName, ...] = ("bernoulli", "gaussian")
"""Those whose gradients are written out; they have nothing to learn."""


DENSITY_LIKELIHOODS: tuple[LikelihoodName, ...] = ("gaussian", "gaussian-learned")
"""Those of densities, which know no levels."""


class Likelihood(ABC):
    """p(x|z), given the decoder's raw output for z."""

    @abstractmethod
    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log p(x|z) in nats, summed over the image's pixels and channels.

        Differentiable by the output, and by what the likelihood learns.
        """


class ManualLikelihood(Likelihood):
    """One whose gradient is written out."""

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """See `Likelihood`."""
        pixels = output.flatten(1), images.flatten(1)
        if not output.requires_grad:
            return self.distortion_and_gradient(*pixels)[0]
        return _Distortion.apply(self, *pixels)

    @abstractmethod
    def distortion_and_gradient(
        self,
        output: Float[Tensor, "*batch pixels"],
        images: Float[Tensor, "*batch pixels"],
        gradient: Float[Tensor, "*batch pixels"] | None = None,
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """The distortion and its gradient by the output, of which autograd records nothing.

        The gradient is written into `gradient` where that is given.
        """


def pixel_mean(output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The decoded image, pixels in [0, 1]; every likelihood's output is a logit of its mean."""
    return torch.sigmoid(output)


@dataclass(frozen=True)
class Bernoulli(ManualLikelihood):
    """Each pixel a coin whose bias is the decoded grey value.

    On real-valued pixels this is the usual cross-entropy, not a density: its minimum is the
    image's own entropy, not 0, and values compare only with others of the same kind.
    """

    def distortion_and_gradient(
        self,
        output: Float[Tensor, "*batch pixels"],
        images: Float[Tensor, "*batch pixels"],
        gradient: Float[Tensor, "*batch pixels"] | None = None,
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """Binary cross-entropy of the logits: softplus(logit) - x * logit; sigmoid(logit) - x.

        softplus(l) = l - log(sigmoid(l)) shares the sigmoid with the gradient.
        """
        gradient = torch.empty_like(output) if gradient is None else gradient
        blocks = zip(*(_blocks(each) for each in (output, images, gradient)), strict=True)
        found = [_cross_entropy(*block) for block in blocks]
        return found[0] if len(found) == 1 else torch.cat(found, dim=-1), gradient


@dataclass(frozen=True)
class Gaussian(ManualLikelihood):
    """Each pixel normal around the decoded value with one fixed standard deviation.

    A density, so the distortion can be negative.
    """

    scale: float

    def distortion_and_gradient(
        self,
        output: Float[Tensor, "*batch pixels"],
        images: Float[Tensor, "*batch pixels"],
        gradient: Float[Tensor, "*batch pixels"] | None = None,
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """-log Normal(x; mean, scale), where mean = sigmoid(output)."""
        means = pixel_mean(output)
        residual = (means - images).div_(self.scale)
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        distortion = (0.5 * residual.square() + constant).sum(dim=-1)
        by_output = residual.mul_(means).mul_(1 - means).div_(self.scale)
        return distortion, by_output if gradient is None else gradient.copy_(by_output)


class LearnedScales(nn.Module, Likelihood):
    """A likelihood with scales that are trained with the weights."""

    def __init__(self, scales: int, start: float) -> None:
        """So many scales, all of which start at the same value."""
        super().__init__()
        raw = math.log(math.expm1(max(math.log(start) - LOWEST_LOG_SCALE, 1e-3)))
        self.raw_log_scale = nn.Parameter(torch.full((scales,), LOWEST_LOG_SCALE + raw))

    @property
    def log_scale(self) -> Float[Tensor, "scales"]:
        """Softly clipped from below, so that nothing is divided by 0."""
        return LOWEST_LOG_SCALE + softplus(self.raw_log_scale - LOWEST_LOG_SCALE)

    @property
    def scale(self) -> Float[Tensor, "scales"]:
        """In units of the pixels' range [0, 1]."""
        return self.log_scale.exp()


class LearnedGaussian(LearnedScales):
    """Each pixel normal around the decoded value, one learned standard deviation for all.

    Rybkin, Daniilidis and Levine, "Simple and Effective VAE Training with Calibrated Decoders",
    2021. At its best the deviation is the root of the mean squared error, so that distortion and
    rate are weighed by the data and not by hand. A density: the distortion can be negative.
    """

    def __init__(self, start: float) -> None:
        super().__init__(1, start)

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log Normal(x; mean, scale), where mean = sigmoid(output)."""
        squared = (pixel_mean(output) - images).square().flatten(1)
        constant = self.log_scale + 0.5 * math.log(2 * math.pi)
        return 0.5 * squared.sum(dim=1) * torch.exp(-2 * self.log_scale) + (
            squared.shape[1] * constant
        )


class DiscretisedLogistic(LearnedScales):
    """Each pixel one of 256 levels: what a logistic distribution gives the level's interval.

    Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016; Salimans
    et al., "PixelCNN++", 2017, section 2.1, with one component. The lowest and the highest level
    get the tails, so that the probabilities add up to 1. One learned scale for each channel; around
    the decoded value, mean = sigmoid(output).
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__(channels, start)

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log P(level of x), pixels rounded to their level.

        With a and b the interval's ends, from the mean and in scales, the probability is
        sigmoid(a) - sigmoid(b) = sigmoid(a) * sigmoid(-b) * (1 - exp(b - a)).
        """
        levels = (images * (LEVELS - 1)).round()
        per_level = torch.exp(-self.log_scale)[:, None, None] / (LEVELS - 1)
        above = (levels + 0.5 - (LEVELS - 1) * pixel_mean(output)) * per_level
        gap = -torch.log(-torch.expm1(-per_level))
        from_below = softplus(-above) * (levels < LEVELS - 1)
        from_above = softplus(above - per_level) * (levels > 0)
        inside = (levels > 0) & (levels < LEVELS - 1)
        return (from_below + from_above + gap * inside).flatten(1).sum(dim=1)


@dataclass(frozen=True)
class DiscretisedGaussian(Likelihood):
    """What a Gaussian gives the intervals of 256 levels; the ends get the tails.

    Not trained with, but what a model that was trained with a Gaussian density costs as a code for
    images of whole levels.
    """

    scale: float

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """-log P(level of x), pixels rounded to their level, around the mean sigmoid(output).

        Of the two ends of the interval, from the mean and in deviations, the tail beyond the nearer
        one is compared with the tail beyond the farther one: there the digits are.
        """
        levels, mean = (images * (LEVELS - 1)).round(), pixel_mean(output)
        low, high = (((levels + end) / (LEVELS - 1) - mean) / self.scale for end in (-0.5, 0.5))
        low = low.masked_fill(levels == 0, -math.inf)
        high = high.masked_fill(levels == LEVELS - 1, math.inf)
        is_above = low + high > 0
        near = torch.special.log_ndtr(torch.where(is_above, -low, high))
        far = torch.special.log_ndtr(torch.where(is_above, -high, low))
        return -(near + torch.log(-torch.expm1(far - near))).flatten(1).sum(dim=1)


def discretised_likelihood(likelihood: Likelihood) -> Likelihood | None:
    """The likelihood as a probability of 8-bit images; None where it says nothing of their levels.

    A Bernoulli says how probable black and white are, and nothing of the greys between.
    """
    if isinstance(likelihood, Gaussian):
        return DiscretisedGaussian(likelihood.scale)
    if isinstance(likelihood, LearnedGaussian):
        return DiscretisedGaussian(float(likelihood.scale.detach()))
    return likelihood if isinstance(likelihood, DiscretisedLogistic) else None


def build_likelihood(config: ModelConfig) -> Likelihood:
    """The likelihood that the configuration names."""
    builders: dict[LikelihoodName, Callable[[], Likelihood]] = {
        "bernoulli": Bernoulli,
        "gaussian": lambda: Gaussian(config.pixel_scale),
        "gaussian-learned": lambda: LearnedGaussian(config.pixel_scale),
        "logistic": lambda: DiscretisedLogistic(config.image_shape[0], config.pixel_scale),
    }
    return builders[config.likelihood]()


def _blocks(numbers: Float[Tensor, "*batch pixels"]) -> tuple[Float[Tensor, "*block pixels"], ...]:
    """Rows of the last batch axis: on the CPU as many as its own cache has room for."""
    if numbers.numel() <= BLOCK_NUMBERS or numbers.device.type != "cpu":
        return (numbers,)
    return numbers.split(max(1, BLOCK_NUMBERS // numbers.shape[-1]), dim=-2)


def _cross_entropy(
    logits: Float[Tensor, "*batch pixels"],
    images: Float[Tensor, "*batch pixels"],
    gradient: Float[Tensor, "*batch pixels"],
) -> Float[Tensor, "*batch"]:
    """In nats, and its gradient into the room given."""
    clamped = logits.clamp(min=LOWEST_LOGIT)
    means = torch.sigmoid(clamped, out=gradient)
    clamped.sub_(torch.log(means)).addcmul_(logits, images, value=-1)
    means.sub_(images)
    return clamped.sum(dim=-1)


class _Distortion(torch.autograd.Function):
    """The gradient comes with the value, at less than what autograd would add for it."""

    @staticmethod
    def forward(ctx: Any, likelihood: ManualLikelihood, output: Tensor, images: Tensor) -> Tensor:
        found, gradient = likelihood.distortion_and_gradient(output, images)
        ctx.save_for_backward(gradient)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return None, gradients[0][:, None] * gradient, None
