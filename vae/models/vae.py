"""The variational autoencoder: encoder, posterior, decoder and likelihood put together."""

import dataclasses
import threading
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.core.config import ModelConfig
from vae.core.errors import ConfigError
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.elbo import ElboTerms
from vae.models.importance import ImportanceSampler
from vae.models.likelihood import build_likelihood, pixel_mean
from vae.models.networks.architectures import build_decoder, build_encoder
from vae.models.networks.gates import GatedSequential
from vae.models.posterior import Posterior

_GLOBAL_GENERATOR = threading.Lock()


class VAE(nn.Module):
    """q(z|x), the standard normal prior and p(x|z) of one configuration.

    The other kinds of model (`vae.models.build`) are variations of it. What an image comes with may
    be needed to encode and to decode it: its beta (batch,), by a model with a `beta_range`, of
    which `at_beta` makes a plain one; its label (batch,), by a conditional one (see `at_label`).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: nn.Sequential = build_encoder(config, self.code_numbers(config))
        self.decoder: nn.Sequential = build_decoder(config)
        if config.beta_range is not None:
            self.encoder = GatedSequential.around(self.encoder)
            self.decoder = GatedSequential.around(self.decoder)
        self.likelihood = build_likelihood(config)

    @classmethod
    def code_numbers(cls, config: ModelConfig) -> int:
        """How many numbers the encoder gives for an image: the code's means and log-variances."""
        return 2 * config.latent_dim

    @classmethod
    def seeded(cls, config: ModelConfig, seed: int) -> Self:
        """A fresh model whose initial weights follow from the seed alone (on the CPU)."""
        # torch's layers draw from the one global generator: threads take turns with it.
        with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            return cls(config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """The posterior of each image; pixels in [0, 1]."""
        mean, logvar = _run(self.encoder, images, condition.beta).chunk(2, dim=1)
        return Posterior.clamped(mean, logvar, self.config.logvar_limit)

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """The decoder's logits for each code; `decode_mean` gives the picture."""
        return _run(self.decoder, z, condition.beta)

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Both terms of the ELBO, the distortion estimated with one posterior sample per image.

        `noise` is what `Posterior.sample` takes.
        """
        return self.encode_with_terms(images, noise, condition)[1]

    def encode_with_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> tuple[Posterior, ElboTerms]:
        """Returns what `encode` and `elbo_terms` return, but runs the encoder once."""
        posterior = self.encode(images, condition)
        return posterior, self.elbo_from_posterior(posterior, images, noise, condition)

    def elbo_from_posterior(
        self,
        posterior: Posterior,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """The terms where the posteriors are given: of the images, or of corrupted ones."""
        z = posterior.sample(noise)
        decoded = self.decode(z, condition)
        distortion = self.likelihood.distortion(decoded, images)
        return ElboTerms(distortion, posterior.kl(), posterior, z, decoded=decoded)

    def importance_sampler(
        self, images: Float[Tensor, "batch c h w"], condition: Condition = UNCONDITIONED
    ) -> ImportanceSampler:
        """What draws many codes of each image: see `vae.metrics.evaluation.log_likelihood`."""
        return ImportanceSampler(self.encode(images, condition))

    def prior_sample(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """A draw from the prior, of standard normal noise: here that noise itself."""
        return noise

    def decode_mean(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """The decoded image of each code, pixels in [0, 1]."""
        return pixel_mean(self.decode(z, condition))

    def at_beta(self, beta: float) -> "VAE":
        """The plain model for one beta of the range; a model of one beta is that itself.

        Raises ConfigError for a beta outside the range.
        """
        if self.config.beta_range is None:
            return self
        assert isinstance(self.encoder, GatedSequential)
        assert isinstance(self.decoder, GatedSequential)
        low, high = self.config.beta_range
        if not low <= beta <= high:
            raise ConfigError(f"the model serves betas from {low:g} to {high:g}, not {beta:g}")
        with torch.device("meta"):
            plain = VAE(dataclasses.replace(self.config, beta_range=None))
        plain.encoder, plain.decoder = self.encoder.folded(beta), self.decoder.folded(beta)
        plain.likelihood = self.likelihood
        return plain.train(self.training)

    def at_label(self, label: int) -> "VAE":
        """The plain model for one label; a model that is told none is that itself."""
        return self


def _run(
    network: nn.Sequential, signal: Float[Tensor, "batch *inputs"], beta: Tensor | None
) -> Float[Tensor, "batch *outputs"]:
    if isinstance(network, GatedSequential):
        assert beta is not None, "this model needs a beta for each example; see at_beta"
        return network(signal, beta.log()).float()
    return network(signal).float()
