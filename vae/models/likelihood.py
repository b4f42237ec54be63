"""Likelihoods p(x|z): they turn the decoder's output into an image and give the distortion.

| name             | p(x|z) of a pixel                            | kind of distortion          |
|------------------|----------------------------------------------|-----------------------------|
| bernoulli        | Bernoulli, with the decoded value as mean    | cross-entropy               |
| gaussian         | normal around it, with a fixed scale         | density; can be negative    |
| gaussian-learned | normal around it, with a learned scale       | density; can be negative    |
| logistic         | one of 256 levels, with learned scales       | probability; at least 0     |

Only the last gives a probability to the image as stored, in whole levels. With it, -ELBO divided by
ln 2 and by the number of pixels and channels is an upper bound on the bits per dimension. The first
two have fixed parameters and a manual gradient. The others have learned parameters and autograd.

Example:
    likelihood = build_likelihood(ModelConfig((1, 28, 28), latent_dim=2, likelihood="logistic"))
    nats = likelihood.distortion(logits, images)
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
"""Logits are clamped from below here: a sigmoid would underflow. The error is below 1e-34 nats."""


BLOCK_NUMBERS = 2**17
"""Numbers processed at once, so that several such blocks fit into a core's cache."""


LEVELS = 256
"""Number of levels of an 8-bit pixel; pixels in [0, 1] are multiples of 1/255."""

LOWEST_LOG_SCALE = -6.0
"""Learned scales stay above exp(-6) = 0.0025, as in the code of Rybkin et al. 2021."""

MANUAL_LIKELIHOODS: tuple[LikelihoodName, ...] = ("bernoulli", "gaussian")
"""The likelihoods with a manual gradient; they have no learned parameters."""


DENSITY_LIKELIHOODS: tuple[LikelihoodName, ...] = ("gaussian", "gaussian-learned")
"""The likelihoods that are densities: they give 8-bit levels no probability."""


class Likelihood(ABC):
    """p(x|z), computed from the decoder's raw output for z."""

    @abstractmethod
    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Returns -log p(x|z) in nats, summed over the image's pixels and channels.

        It is differentiable in the output and in the likelihood's learned parameters.
        """


class ManualLikelihood(Likelihood):
    """A likelihood whose gradient is written out manually."""

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Returns the distortion; see `Likelihood`."""
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
        """Returns the distortion and its gradient by the output; autograd records neither.

        The gradient is written into `gradient` where that is given.
        """


def pixel_mean(output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Returns the decoded image, pixels in [0, 1]: decoders output logits of the pixel means."""
    return torch.sigmoid(output)


@dataclass(frozen=True)
class Bernoulli(ManualLikelihood):
    """Each pixel is Bernoulli, with the decoded grey value as its mean.

    On real-valued pixels the distortion is the usual cross-entropy, not a density. Its minimum is
    the image's own entropy, not 0, so values compare only with other Bernoulli distortions.
    """

    def distortion_and_gradient(
        self,
        output: Float[Tensor, "*batch pixels"],
        images: Float[Tensor, "*batch pixels"],
        gradient: Float[Tensor, "*batch pixels"] | None = None,
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """Returns softplus(logit) - x * logit, the binary cross-entropy, and sigmoid(logit) - x.

        softplus(l) = l - log(sigmoid(l)) shares the sigmoid with the gradient.
        """
        gradient = torch.empty_like(output) if gradient is None else gradient
        blocks = zip(*(_blocks(each) for each in (output, images, gradient)), strict=True)
        found = [_cross_entropy(*block) for block in blocks]
        return found[0] if len(found) == 1 else torch.cat(found, dim=-1), gradient


@dataclass(frozen=True)
class Gaussian(ManualLikelihood):
    """Each pixel is normal around the decoded value, with one fixed standard deviation.

    This is a density, so the distortion can be negative.
    """

    scale: float

    def distortion_and_gradient(
        self,
        output: Float[Tensor, "*batch pixels"],
        images: Float[Tensor, "*batch pixels"],
        gradient: Float[Tensor, "*batch pixels"] | None = None,
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch pixels"]]:
        """Returns -log Normal(x; mean, scale) and its gradient, where mean = sigmoid(output)."""
        means = pixel_mean(output)
        residual = (means - images).div_(self.scale)
        constant = math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        distortion = (0.5 * residual.square() + constant).sum(dim=-1)
        grad_output = residual.mul_(means).mul_(1 - means).div_(self.scale)
        return distortion, grad_output if gradient is None else gradient.copy_(grad_output)


class LearnedScales(nn.Module, Likelihood):
    """A likelihood whose scales are trained together with the weights."""

    def __init__(self, scales: int, start: float) -> None:
        """Creates `scales` scales that all start at the same value."""
        super().__init__()
        raw = math.log(math.expm1(max(math.log(start) - LOWEST_LOG_SCALE, 1e-3)))
        self.raw_log_scale = nn.Parameter(torch.full((scales,), LOWEST_LOG_SCALE + raw))

    @property
    def log_scale(self) -> Float[Tensor, "scales"]:
        """The log of each scale, softly clipped from below to avoid a division by 0."""
        return LOWEST_LOG_SCALE + softplus(self.raw_log_scale - LOWEST_LOG_SCALE)

    @property
    def scale(self) -> Float[Tensor, "scales"]:
        """The scales in units of the pixel range [0, 1]."""
        return self.log_scale.exp()


class LearnedGaussian(LearnedScales):
    """Each pixel is normal around the decoded value; all share one learned standard deviation.

    Rybkin, Daniilidis and Levine, "Simple and Effective VAE Training with Calibrated Decoders",
    2021. The optimal deviation is the root of the mean squared error, so the data determine the
    balance of distortion and rate. This is a density, so the distortion can be negative.
    """

    def __init__(self, start: float) -> None:
        super().__init__(1, start)

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Returns -log Normal(x; mean, scale), where mean = sigmoid(output)."""
        squared = (pixel_mean(output) - images).square().flatten(1)
        constant = self.log_scale + 0.5 * math.log(2 * math.pi)
        return 0.5 * squared.sum(dim=1) * torch.exp(-2 * self.log_scale) + (
            squared.shape[1] * constant
        )


class DiscretisedLogistic(LearnedScales):
    """Each pixel has one of 256 levels: a logistic distribution integrated over each interval.

    Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016; Salimans
    et al., "PixelCNN++", 2017, section 2.1, with one component. The lowest and the highest level
    include the tails, so the probabilities add up to 1. Each channel has one learned scale. The
    mean is the decoded value, sigmoid(output).
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__(channels, start)

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Returns -log P(level of x); pixels are rounded to their level.

        Let a and b be the interval's ends, relative to the mean and in units of the scale. The
        probability is sigmoid(a) - sigmoid(b) = sigmoid(a) * sigmoid(-b) * (1 - exp(b - a)).
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
    """A Gaussian integrated over the intervals of 256 levels; the end levels include the tails.

    No model trains with it. It tells the code length that a model trained with a Gaussian density
    needs for images of whole levels.
    """

    scale: float

    def distortion(
        self, output: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Returns -log P(level of x), pixels rounded to their level; the mean is sigmoid(output).

        The probability is the difference of the tails beyond the nearer and the farther end of the
        interval. Tails keep their precision where differences of cumulative values lose it.
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
    """Returns the likelihood as a probability of 8-bit images; None where there is none.

    A Bernoulli gives probabilities to black and white only, not to the greys between.
    """
    if isinstance(likelihood, Gaussian):
        return DiscretisedGaussian(likelihood.scale)
    if isinstance(likelihood, LearnedGaussian):
        return DiscretisedGaussian(float(likelihood.scale.detach()))
    return likelihood if isinstance(likelihood, DiscretisedLogistic) else None


def build_likelihood(config: ModelConfig) -> Likelihood:
    """Returns the likelihood that the configuration names."""
    builders: dict[LikelihoodName, Callable[[], Likelihood]] = {
        "bernoulli": Bernoulli,
        "gaussian": lambda: Gaussian(config.pixel_scale),
        "gaussian-learned": lambda: LearnedGaussian(config.pixel_scale),
        "logistic": lambda: DiscretisedLogistic(config.image_shape[0], config.pixel_scale),
    }
    return builders[config.likelihood]()


def _blocks(numbers: Float[Tensor, "*batch pixels"]) -> tuple[Float[Tensor, "*block pixels"], ...]:
    """Splits the last batch axis; on the CPU a block fits into a core's cache."""
    if numbers.numel() <= BLOCK_NUMBERS or numbers.device.type != "cpu":
        return (numbers,)
    return numbers.split(max(1, BLOCK_NUMBERS // numbers.shape[-1]), dim=-2)


def _cross_entropy(
    logits: Float[Tensor, "*batch pixels"],
    images: Float[Tensor, "*batch pixels"],
    gradient: Float[Tensor, "*batch pixels"],
) -> Float[Tensor, "*batch"]:
    """Returns the cross-entropy in nats and writes its gradient into `gradient`."""
    clamped = logits.clamp(min=LOWEST_LOGIT)
    means = torch.sigmoid(clamped, out=gradient)
    clamped.sub_(torch.log(means)).addcmul_(logits, images, value=-1)
    means.sub_(images)
    return clamped.sum(dim=-1)


class _Distortion(torch.autograd.Function):
    """Computes the gradient together with the value, which costs less than autograd's pass."""

    @staticmethod
    def forward(ctx: Any, likelihood: ManualLikelihood, output: Tensor, images: Tensor) -> Tensor:
        found, gradient = likelihood.distortion_and_gradient(output, images)
        ctx.save_for_backward(gradient)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return None, gradients[0][:, None] * gradient, None
