"""The plain autoencoder: no noise, no prior, no rate.

What it leaves out is what makes a VAE generative: nothing keeps its codes together, so most places
between and around them decode to no image at all.
"""

from jaxtyping import Float
from torch import Tensor

from vae.core.config import ModelConfig
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.posterior import PointPosterior
from vae.models.vae import VAE


class Autoencoder(VAE):
    """One code for each image, not a distribution; its loss is the distortion alone."""

    @classmethod
    def code_numbers(cls, config: ModelConfig) -> int:
        """The code itself."""
        return config.latent_dim

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> PointPosterior:
        """The code of each image; pixels in [0, 1]."""
        code = self.encoder(images).float()
        return PointPosterior.at(code)
