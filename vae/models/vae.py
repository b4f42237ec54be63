"""The variational autoencoder: it combines encoder, posterior, decoder and likelihood.

Example:
    model = VAE.seeded(ModelConfig((1, 28, 28), latent_dim=2), seed=0)
    terms = model.elbo_terms(images, torch.Generator().manual_seed(0))
    loss = -terms.elbo.mean()
"""

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

    The other kinds of model (`vae.models.build`) are variations of this class. Some models need a
    `Condition` to encode and to decode: a model with a `beta_range` needs the beta of each image,
    and a conditional model needs its label. `at_beta` and `at_label` return plain models instead.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: nn.Sequential = build_encoder(config, self.encoder_outputs(config))
        self.decoder: nn.Sequential = build_decoder(config)
        if config.beta_range is not None:
            self.encoder = GatedSequential.around(self.encoder)
            self.decoder = GatedSequential.around(self.decoder)
        self.likelihood = build_likelihood(config)

    @classmethod
    def encoder_outputs(cls, config: ModelConfig) -> int:
        """Returns the number of encoder outputs for an image: means and log-variances."""
        return 2 * config.latent_dim

    @classmethod
    def seeded(cls, config: ModelConfig, seed: int) -> Self:
        """Returns a new model on the CPU whose initial weights depend on the seed alone."""
        # Layers initialise from torch's global generator, so threads take turns.
        with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            return cls(config)

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return next(self.parameters()).device

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> Posterior:
        """Returns the posterior of each image; pixels lie in [0, 1]."""
        mean, logvar = _run(self.encoder, images, condition.beta).chunk(2, dim=1)
        return Posterior.clamped(mean, logvar, self.config.logvar_limit)

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """Returns the decoder's logits for each code; `decode_mean` returns the image."""
        return _run(self.decoder, z, condition.beta)

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Returns both terms of the ELBO; one posterior sample estimates each distortion.

        `noise` is the noise or the generator that `Posterior.sample` takes.
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
        """Returns the ELBO's terms for given posteriors, of the images or of corrupted copies."""
        z = posterior.sample(noise)
        decoded = self.decode(z, condition)
        distortion = self.likelihood.distortion(decoded, images)
        return ElboTerms(distortion, posterior.kl(), posterior, z, decoded=decoded)

    def importance_sampler(
        self, images: Float[Tensor, "batch c h w"], condition: Condition = UNCONDITIONED
    ) -> ImportanceSampler:
        """Returns a sampler of many codes per image; see `vae.metrics.evaluation`."""
        return ImportanceSampler(self.encode(images, condition))

    def prior_sample(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """Turns standard normal noise into a prior sample: here the noise itself."""
        return noise

    def decode_mean(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """Returns the decoded image of each code, pixels in [0, 1]."""
        return pixel_mean(self.decode(z, condition))

    def at_beta(self, beta: float) -> "VAE":
        """Returns the plain model for one beta of the range; a model of one beta returns itself.

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
        """Returns the plain model for one label; a model without labels returns itself."""
        return self


def _run(
    network: nn.Sequential, signal: Float[Tensor, "batch *inputs"], beta: Tensor | None
) -> Float[Tensor, "batch *outputs"]:
    if isinstance(network, GatedSequential):
        assert beta is not None, "this model needs a beta for each example; see at_beta"
        return network(signal, beta.log()).float()
    return network(signal).float()
