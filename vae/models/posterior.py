"""The diagonal Gaussian posterior q(z|x): all sampling of z happens here.

Example:
    posterior = Posterior.clamped(mean, logvar)
    z = posterior.sample(torch.Generator().manual_seed(0))
    nats = posterior.kl().sum(dim=1)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae.core.config import LOGVAR_LIMIT


@dataclass(frozen=True)
class Posterior:
    """q(z|x) = Normal(mean, exp(logvar)), one row for each image."""

    mean: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]

    @classmethod
    def clamped(
        cls,
        mean: Float[Tensor, "batch latent"],
        logvar: Float[Tensor, "batch latent"],
        limit: float = LOGVAR_LIMIT,
    ) -> "Posterior":
        """Returns a posterior whose log-variance is clamped to plus and minus a limit."""
        return cls(mean, logvar.clamp(-limit, limit))

    def sample(
        self, noise: torch.Generator | Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch latent"]:
        """Samples by the reparameterisation trick: z = mean + std * noise, noise ~ Normal(0, 1).

        Kingma and Welling 2014, section 2.4. `noise` is the noise itself or a generator on the
        posterior's device.
        """
        if isinstance(noise, torch.Generator):
            noise = standard_normal(self.mean.shape, noise, self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.logvar) * noise

    def mode(self) -> Float[Tensor, "batch latent"]:
        """Returns the most probable code, which is the mean."""
        return self.mean

    def kl(self) -> Float[Tensor, "batch latent"]:
        """Returns KL(q(z|x) || Normal(0, 1)) of each image and dimension, in nats, at least 0.

        Kingma and Welling 2014, appendix B.
        """
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar)

    def log_prob(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
        """Returns log q(z|x) in nats, summed over the dimensions."""
        standardised = (z - self.mean) * torch.exp(-0.5 * self.logvar)
        return _log_normal(standardised) - 0.5 * self.logvar.sum(dim=1)


@dataclass(frozen=True)
class PointPosterior(Posterior):
    """A posterior that puts all mass on one code, so its rate is 0."""

    @classmethod
    def at(cls, code: Float[Tensor, "batch latent"]) -> "PointPosterior":
        """Returns the point posterior at a code; its log-variances are as low as allowed."""
        return cls(code, torch.full_like(code, -LOGVAR_LIMIT))

    def sample(
        self, noise: torch.Generator | Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch latent"]:
        """Returns the code itself; it uses no noise."""
        return self.mean

    def kl(self) -> Float[Tensor, "batch latent"]:
        """Returns 0 for every image and dimension."""
        return torch.zeros_like(self.mean)


def standard_normal(
    shape: Sequence[int], generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "..."]:
    """Returns standard normal noise on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


def prior_log_prob(z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
    """Returns log p(z) under the standard normal prior, in nats, summed over the dimensions."""
    return _log_normal(z)


def _log_normal(standardised: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch"]:
    return -0.5 * (standardised.square() + math.log(2 * math.pi)).sum(dim=1)
