"""The vector-quantised VAE: a grid of codes, each one of the vectors of a codebook.

van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", 2017: the encoder
gives a vector for each place, the nearest of the codebook takes its place, and the decoder's
gradient passes straight through to the encoder. The posterior is certain and the prior uniform, so
that the rate is ln(codes) nats for each place, whatever the image: -(distortion + rate) is the
ELBO of this discrete model. What the codes cost under a prior that was fitted to them is measured
in `vae.analysis.codebook`.
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
"""Weight of the encoder's own part of the distance to the codes; 0.25 as in the paper."""

REVIVAL = 0.25
"""Weight of the pull on codes that a batch does not use, towards what the encoder gives."""


@dataclass(frozen=True)
class CodePosterior(PointPosterior):
    """A code that is certain, and costs as much as any other."""

    nats: float = 0.0
    """For each number of the code: those of a place share ln(codes)."""

    def kl(self) -> Float[Tensor, "batch latent"]:
        """The KL to the uniform prior over the codes, spread over the numbers of each."""
        return torch.full_like(self.mean, self.nats)


class QuantisedVAE(VAE):
    """One of `codebook` vectors at each place; z holds the grid of vectors, channels first."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.size, height, width = config.latent_shape
        if config.architecture == "conv":
            self.encoder = _encoder(config.image_shape[0], self.size)
            self.decoder = _decoder(config.image_shape[0], (self.size, height, width))
        codes = torch.empty(config.codebook, self.size)
        if not codes.is_meta:
            # Of a tensor without numbers torch would import sympy to make some.
            codes.normal_()
        self.codes = nn.Parameter(codes)

    @classmethod
    def code_numbers(cls, config: ModelConfig) -> int:
        """The code itself."""
        return config.latent_dim

    @property
    def nats_per_place(self) -> float:
        """ln(codes): what naming one of them costs under the uniform prior."""
        return math.log(self.config.codebook)

    def encode(
        self,
        images: Float[Tensor, "batch c h w"],
        condition: Condition = UNCONDITIONED,
    ) -> CodePosterior:
        """The grid of codebook vectors of each image."""
        return self._posterior(self.vectors(self.indices(self._encoded(images))))

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch c h w"]:
        """The logits for each code; what is no grid of codes counts as the one nearest to it."""
        return self.decoder(self.vectors(self.indices(z))).float()

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Distortion, the constant rate, and what pulls vectors and codes together."""
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
        """The one code of each image: q is certain, so the bound on log p(x) is the ELBO itself."""
        posterior = self.encode(images)

        def draw(samples: int, generator: torch.Generator) -> WeightedCodes:
            z = posterior.mean.repeat(samples, 1)
            return z, -posterior.kl().sum(dim=1).repeat(samples)

        return ImportanceSampler(posterior, draw)

    def prior_sample(self, noise: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch latent"]:
        """Codes drawn uniformly: the first number of each place says which."""
        share = torch.special.ndtr(self._by_place(noise)[..., 0])
        last = self.config.codebook - 1
        return self.vectors((share * self.config.codebook).long().clamp(max=last))

    def indices(self, z: Float[Tensor, "batch latent"]) -> Int[Tensor, "batch places"]:
        """The nearest code at each place, row by row."""
        return self._distances(self._by_place(z)).argmin(dim=-1)

    def vectors(self, indices: Int[Tensor, "batch places"]) -> Float[Tensor, "batch latent"]:
        """z of the codes at each place; its gradient is the codebook's."""
        return self.codes[indices].transpose(1, 2).flatten(1)

    def _encoded(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch latent"]:
        return self.encoder(images).float()

    def _posterior(self, z: Float[Tensor, "batch latent"]) -> CodePosterior:
        point = CodePosterior.at(z)
        return CodePosterior(point.mean, point.logvar, self.nats_per_place / self.size)

    def _by_place(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch places size"]:
        return z.unflatten(1, (self.size, -1)).transpose(1, 2)

    @torch.no_grad()
    def _distances(self, vectors: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch codes"]:
        """Squared, but for what all codes have in common."""
        return self.codes.square().sum(dim=1) - 2 * vectors @ self.codes.T

    def _penalty(
        self,
        encoded: Float[Tensor, "batch latent"],
        z: Float[Tensor, "batch latent"],
        indices: Int[Tensor, "batch places"],
    ) -> Float[Tensor, "batch"]:
        """Codes are pulled to the vectors that chose them, and those, more gently, to the codes.

        van den Oord et al. 2017, equation 3. Codes that no image of the batch chose are pulled to
        the vector nearest to them, so that none stays out of reach.
        """
        to_codes = (encoded.detach() - z).square().sum(dim=1)
        to_vectors = (encoded - z.detach()).square().sum(dim=1)
        return to_codes + COMMITMENT * to_vectors + REVIVAL * self._unused(encoded, indices)

    def _unused(
        self, encoded: Float[Tensor, "batch latent"], indices: Int[Tensor, "batch places"]
    ) -> Float[Tensor, ""]:
        """Squared distances of the codes that are not chosen to the vectors nearest to them."""
        vectors = self._by_place(encoded.detach()).flatten(0, 1)
        norms = vectors.square().sum(dim=1)
        with torch.no_grad():
            nearest = (norms[:, None] - 2 * vectors @ self.codes.T).argmin(dim=0)
            chosen = torch.zeros(len(self.codes), device=encoded.device)
            unused = 1 - chosen.index_fill(0, indices.flatten(), 1.0)
        return (unused[:, None] * (self.codes - vectors[nearest]).square()).sum()


def _encoder(channels: int, size: int) -> nn.Sequential:
    """Images to a vector at each place, channels first; two stride-2 convolutions and a linear."""
    return nn.Sequential(
        nn.Conv2d(channels, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, size, 1),
        nn.Flatten(),
    )


def _decoder(channels: int, grid: tuple[int, int, int]) -> nn.Sequential:
    """A grid of vectors to logits."""
    return nn.Sequential(
        nn.Unflatten(1, grid),
        nn.Conv2d(grid[0], 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
    )
