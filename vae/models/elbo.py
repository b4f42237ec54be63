"""The ELBO's two terms of a batch, kept apart."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vae.models.posterior import Posterior


@dataclass(frozen=True)
class ElboTerms:
    """Distortion and rate of a batch, in nats per image.

    Alemi et al., "Fixing a Broken ELBO", 2018: ELBO = -(distortion + rate).
    """

    distortion: Float[Tensor, "batch"]
    """-log p(x|z) at one posterior sample of each image."""

    rate_per_dimension: Float[Tensor, "batch latent"]
    """KL(q(z|x) || p(z)) of each dimension, in closed form."""

    posterior: Posterior
    """q(z|x) of each image."""

    z: Float[Tensor, "batch latent"]
    """The sample of each posterior that was decoded."""

    penalty: Float[Tensor, "batch"] | None = None
    """What training minimises besides, and the ELBO does not contain; None for nothing."""

    decoded: Float[Tensor, "batch c h w"] | None = None
    """What the decoder made of z, the logits of the pixels' means; None where it is no image."""

    @property
    def rate(self) -> Float[Tensor, "batch"]:
        """KL(q(z|x) || p(z)), summed over the dimensions."""
        return self.rate_per_dimension.sum(dim=1)

    @property
    def elbo(self) -> Float[Tensor, "batch"]:
        """The evidence lower bound of each image."""
        return -(self.distortion + self.rate)
