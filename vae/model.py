"""The variational autoencoder: encoder, posterior, decoder and likelihood put together."""

import threading

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.config import ModelConfig
from vae.likelihood import build_likelihood, pixel_mean
from vae.networks import build_decoder, build_encoder
from vae.posterior import Posterior

_GLOBAL_GENERATOR = threading.Lock()


class VAE(nn.Module):
    """q(z|x), the standard normal prior and p(x|z) of one configuration."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config)
        self.decoder = build_decoder(config)
        self.likelihood = build_likelihood(config)

    @classmethod
    def seeded(cls, config: ModelConfig, seed: int) -> "VAE":
        """A fresh model whose initial weights follow from the seed alone (on the CPU)."""
        # torch's layers draw from the one global generator: threads take turns with it.
        with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            return cls(config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def encode(self, images: Float[Tensor, "batch c h w"]) -> Posterior:
        """The posterior of each image; pixels in [0, 1]."""
        mean, logvar = self.encoder(images).chunk(2, dim=1)
        return Posterior.clamped(mean, logvar)

    def decode(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch c h w"]:
        """The decoder's logits for each code; `decode_mean` gives the picture."""
        return self.decoder(z)

    def decode_mean(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch c h w"]:
        """The decoded image of each code, pixels in [0, 1]."""
        return pixel_mean(self.decode(z))
