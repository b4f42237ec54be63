"""The diagonal Gaussian posterior q(z|x): the one place where z is sampled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae.core.config import LOGVAR_LIMIT


@dataclass(frozen=True)
class Posterior:
    """q(z|x) = Normal(mean, exp(logvar)), one row an image."""

    mean: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]

    @classmethod
    def clamped(
        cls,
        mean: Float[Tensor, "batch latent"],
        logvar: Float[Tensor, "batch latent"],
        limit: float = LOGVAR_LIMIT,
    ) -> "Posterior":
        """A posterior whose log-variance is kept within plus and minus a limit."""
        return cls(mean, logvar.clamp(-limit, limit))

    def sample(
        self, noise: torch.Generator | Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch latent"]:
        """The reparameterisation trick: z = mean + std * noise, noise ~ Normal(0, 1).

        Kingma and Welling 2014, section 2.4. The noise is given, or drawn by a generator on the
        posterior's device.
        """
        if isinstance(noise, torch.Generator):
            noise = standard_normal(self.mean.shape, noise, self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.logvar) * noise

    def mode(self) -> Float[Tensor, "batch latent"]:
        """The most probable code, which is the mean."""
        return self.mean

    def kl(self) -> Float[Tensor, "batch latent"]:
        """KL(q(z|x) || Normal(0, 1)) for each image and dimension, in nats, at least 0.

        Kingma and Welling 2014, appendix B.
        """
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar)

    def log_prob(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
        """log q(z|x) in nats, summed over the dimensions."""
        standardised = (z - self.mean) * torch.exp(-0.5 * self.logvar)
        return _log_normal(standardised) - 0.5 * self.logvar.sum(dim=1)


@dataclass(frozen=True)
class PointPosterior(Posterior):
    """A code that is certain: no distribution, so no rate."""

    @classmethod
    def at(cls, code: Float[Tensor, "batch latent"]) -> "PointPosterior":
        """Log-variances are as low as they go."""
        return cls(code, torch.full_like(code, -LOGVAR_LIMIT))

    def sample(
        self, noise: torch.Generator | Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch latent"]:
        """The code itself; no noise is drawn."""
        return self.mean

    def kl(self) -> Float[Tensor, "batch latent"]:
        """0: nothing is paid for a code."""
        return torch.zeros_like(self.mean)


def standard_normal(
    shape: Sequence[int], generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "..."]:
    """Noise to sample posteriors with, on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


def prior_log_prob(z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
    """log p(z) under the standard normal prior, in nats, summed over the dimensions."""
    return _log_normal(z)


def _log_normal(standardised: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
    return -0.5 * (standardised.square() + math.log(2 * math.pi)).sum(dim=1)
