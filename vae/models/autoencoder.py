"""The plain autoencoder: a VAE without noise, without a prior and without a rate.

Nothing keeps its codes close together. Most points between and around the codes therefore decode
to no recognisable image, which shows why a VAE needs its prior.

Example:
    model = Autoencoder(ModelConfig((1, 28, 28), latent_dim=2, kind="autoencoder"))
    codes = model.encode(images).mean
"""

from jaxtyping import Float
from torch import Tensor

from vae.core.config import ModelConfig
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.posterior import PointPosterior
from vae.models.vae import VAE


class Autoencoder(VAE):
    """Maps each image to one code, not to a distribution; its loss is the distortion alone."""

    @classmethod
    def encoder_outputs(cls, config: ModelConfig) -> int:
        """Returns the size of the code: there is no log-variance."""
        return config.latent_dim

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> PointPosterior:
        """Returns the code of each image; pixels lie in [0, 1]."""
        code = self.encoder(images).float()
        return PointPosterior.at(code)
