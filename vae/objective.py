"""The ELBO's two terms, kept apart, and the loss that weighs them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae.model import VAE


@dataclass(frozen=True)
class ElboTerms:
    """Distortion and rate of a batch, in nats per image.

    Alemi et al., "Fixing a Broken ELBO", 2018: ELBO = -(distortion + rate).
    """

    distortion: Float[Tensor, "batch"]
    """-log p(x|z) at one posterior sample of each image."""

    rate_per_dimension: Float[Tensor, "batch latent"]
    """KL(q(z|x) || p(z)) of each dimension, in closed form."""

    @property
    def rate(self) -> Float[Tensor, "batch"]:
        """KL(q(z|x) || p(z)), summed over the dimensions."""
        return self.rate_per_dimension.sum(dim=1)

    @property
    def elbo(self) -> Float[Tensor, "batch"]:
        """The evidence lower bound of each image."""
        return -(self.distortion + self.rate)


def elbo_terms(
    model: VAE, images: Float[Tensor, "batch c h w"], generator: torch.Generator
) -> ElboTerms:
    """Both terms, the distortion estimated with one posterior sample per image."""
    posterior = model.encode(images)
    output = model.decode(posterior.sample(generator))
    return ElboTerms(model.likelihood.distortion(output, images), posterior.kl())


def training_loss(terms: ElboTerms, beta: float, free_bits: float = 0.0) -> Float[Tensor, ""]:
    """mean(distortion) + beta * rate, in nats per image: the scalar that training minimises.

    Each term is summed over pixels or dimensions and averaged over the batch. With free bits
    (Kingma et al. 2016, appendix C8) a dimension's batch-mean rate counts at least `free_bits`,
    so that there is no gain in pushing it lower.
    """
    rate_per_dimension = terms.rate_per_dimension.mean(dim=0)
    if free_bits > 0:
        rate_per_dimension = rate_per_dimension.clamp(min=free_bits)
    return terms.distortion.mean() + beta * rate_per_dimension.sum()


def warmed_up_beta(beta: float, step: int, warmup_steps: float) -> float:
    """Beta at a step (counted from 0) of a linear warm-up: 0 at first, `beta` at the end.

    Bowman et al. 2016; Sønderby et al. 2016.
    """
    if warmup_steps <= 0:
        return beta
    return beta * min(1.0, step / warmup_steps)
