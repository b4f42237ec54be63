"""The vector-quantised VAE: a code is a grid of vectors from a codebook.

van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", 2017: the encoder
gives a vector for each grid position, and the nearest codebook vector replaces it. The decoder's
gradient passes straight through to the encoder. The posterior is deterministic and the prior is
uniform, so the rate is ln(codes) nats at each position for every image. -(distortion + rate) is the
ELBO of this discrete model. `vae.analysis.codebook` measures the rate under a fitted prior.

Example:
    model = QuantisedVAE(ModelConfig((1, 28, 28), 98, "conv", kind="vq", codebook=64))
    grid = model.indices(model.encode(images).mean)
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vae.core.config import ModelConfig
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.elbo import ElboTerms
from vae.models.importance import ImportanceSampler, WeightedCodes
from vae.models.posterior import PointPosterior
from vae.models.vae import VAE

COMMITMENT = 0.25
"""Weight of the loss that pulls the encoder's vectors to the codes; 0.25 as in the paper."""

REVIVAL = 0.25
"""Weight of the loss that pulls codes unused by a batch towards the encoder's vectors."""


@dataclass(frozen=True)
class CodePosterior(PointPosterior):
    """A deterministic code; every code has the same rate."""

    nats: float = 0.0
    """Nats for each number of the code: the numbers of one position share ln(codes)."""

    def kl(self) -> Float[Tensor, "batch latent"]:
        """Returns the KL to the uniform prior, divided evenly among the numbers of each code."""
        return torch.full_like(self.mean, self.nats)


class QuantisedVAE(VAE):
    """Chooses one codebook vector at each position; z holds the grid, channels first."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.size, height, width = config.latent_shape
        if config.architecture == "conv":
            self.encoder = _encoder(config.image_shape[0], self.size)
            self.decoder = _decoder(config.image_shape[0], (self.size, height, width))
        codes = torch.empty(config.codebook, self.size)
        if not codes.is_meta:
            # On the meta device normal_ would import sympy for nothing.
            codes.normal_()
        self.codes = nn.Parameter(codes)

    @classmethod
    def encoder_outputs(cls, config: ModelConfig) -> int:
        """Returns the size of the code: there is no log-variance."""
        return config.latent_dim

    @property
    def nats_per_position(self) -> float:
        """The rate of one position under the uniform prior: ln(codes)."""
        return math.log(self.config.codebook)

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> CodePosterior:
        """Returns the grid of codebook vectors of each image."""
        return self._posterior(self.vectors(self.indices(self._encoded(images))))

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """Returns the logits for each code; other vectors snap to the nearest codebook vector."""
        return self.decoder(self.vectors(self.indices(z))).float()

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Returns the distortion, the constant rate, and the penalty that trains the codebook."""
        encoded = self._encoded(images)
        indices = self.indices(encoded)
        z = self.vectors(indices)
        through = encoded + (z - encoded).detach()
        decoded = self.decoder(through).float()
        distortion = self.likelihood.distortion(decoded, images)
        posterior = self._posterior(z.detach())
        penalty = self._penalty(encoded, z, indices)
        return ElboTerms(distortion, posterior.kl(), posterior, posterior.mean, penalty, decoded)

    def importance_sampler(
        self, images: Float[Tensor, "batch c h w"], condition: Condition = UNCONDITIONED
    ) -> ImportanceSampler:
        """Returns the one code of each image: the bound on log p(x) is then the ELBO itself."""
        posterior = self.encode(images)

        def draw(samples: int, generator: torch.Generator) -> WeightedCodes:
            z = posterior.mean.repeat(samples, 1)
            return z, -posterior.kl().sum(dim=1).repeat(samples)

        return ImportanceSampler(posterior, draw)

    def prior_sample(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """Samples codes uniformly; the first noise value of each position selects one."""
        uniform = torch.special.ndtr(self._by_position(noise)[..., 0])
        last = self.config.codebook - 1
        return self.vectors((uniform * self.config.codebook).long().clamp(max=last))

    def indices(self, z: Float[Tensor, "batch latent"]) -> Int[Tensor, "batch positions"]:
        """Returns the index of the nearest code at each position, row by row."""
        return self._distances(self._by_position(z)).argmin(dim=-1)

    def vectors(self, indices: Int[Tensor, "batch positions"]) -> Float[Tensor, "batch latent"]:
        """Returns z for the codes at each position; its gradient reaches the codebook."""
        return self.codes[indices].transpose(1, 2).flatten(1)

    def _encoded(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch latent"]:
        return self.encoder(images).float()

    def _posterior(self, z: Float[Tensor, "batch latent"]) -> CodePosterior:
        point = CodePosterior.at(z)
        return CodePosterior(point.mean, point.logvar, self.nats_per_position / self.size)

    def _by_position(
        self, z: Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch positions size"]:
        return z.unflatten(1, (self.size, -1)).transpose(1, 2)

    @torch.no_grad()
    def _distances(self, vectors: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch codes"]:
        """Returns squared distances, up to a term that is equal for all codes."""
        return self.codes.square().sum(dim=1) - 2 * vectors @ self.codes.T

    def _penalty(
        self,
        encoded: Float[Tensor, "batch latent"],
        z: Float[Tensor, "batch latent"],
        indices: Int[Tensor, "batch positions"],
    ) -> Float[Tensor, "batch"]:
        """Pulls codes to the vectors that chose them, and, with less weight, vectors to codes.

        This is equation 3 of van den Oord et al. 2017. Codes that no image of the batch chose move
        towards the nearest vector, so that they come into use.
        """
        to_codes = (encoded.detach() - z).square().sum(dim=1)
        to_vectors = (encoded - z.detach()).square().sum(dim=1)
        return to_codes + COMMITMENT * to_vectors + REVIVAL * self._unused(encoded, indices)

    def _unused(
        self, encoded: Float[Tensor, "batch latent"], indices: Int[Tensor, "batch positions"]
    ) -> Float[Tensor, ""]:
        """Returns the squared distances of unchosen codes to their nearest vectors, summed."""
        vectors = self._by_position(encoded.detach()).flatten(0, 1)
        norms = vectors.square().sum(dim=1)
        with torch.no_grad():
            nearest = (norms[:, None] - 2 * vectors @ self.codes.T).argmin(dim=0)
            chosen = torch.zeros(len(self.codes), device=encoded.device)
            unused = 1 - chosen.index_fill(0, indices.flatten(), 1.0)
        return (unused[:, None] * (self.codes - vectors[nearest]).square()).sum()


def _encoder(channels: int, size: int) -> nn.Sequential:
    """Builds the encoder: two stride-2 convolutions and a 1x1 one; channels come first."""
    return nn.Sequential(
        nn.Conv2d(channels, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, size, 1),
        nn.Flatten(),
    )


def _decoder(channels: int, grid: tuple[int, int, int]) -> nn.Sequential:
    """Builds the decoder from a grid of vectors to logits."""
    return nn.Sequential(
        nn.Unflatten(1, grid),
        nn.Conv2d(grid[0], 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
    )
