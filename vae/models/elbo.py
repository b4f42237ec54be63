"""Holds the two terms of the ELBO separately, so that training can weight them.

Example:
    terms = model.elbo_terms(images, torch.Generator().manual_seed(0))
    print(terms.distortion.mean(), terms.rate.mean(), terms.elbo.mean())
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vae.models.posterior import Posterior


@dataclass(frozen=True)
class ElboTerms:
    """The distortion and the rate of a batch, in nats per image.

    Alemi et al., "Fixing a Broken ELBO", 2018: ELBO = -(distortion + rate).
    """

    distortion: Float[Tensor, "batch"]
    """-log p(x|z) at one posterior sample of each image."""

    rate_per_dimension: Float[Tensor, "batch latent"]
    """KL(q(z|x) || p(z)) of each dimension, in closed form."""

    posterior: Posterior
    """The posterior q(z|x) of each image."""

    z: Float[Tensor, "batch latent"]
    """The posterior sample that was decoded, for each image."""

    penalty: Float[Tensor, "batch"] | None = None
    """A further training loss that the ELBO does not contain; None where there is none."""

    decoded: Float[Tensor, "batch c h w"] | None = None
    """The decoder's output for z, the logits of the pixel means; None where it is no image."""

    @property
    def rate(self) -> Float[Tensor, "batch"]:
        """The rate KL(q(z|x) || p(z)), summed over the dimensions."""
        return self.rate_per_dimension.sum(dim=1)

    @property
    def elbo(self) -> Float[Tensor, "batch"]:
        """The evidence lower bound of each image."""
        return -(self.distortion + self.rate)
