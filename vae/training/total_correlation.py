"""The rate taken apart: index-code mutual information, total correlation, dimension-wise KL.

Chen, Li, Grosse and Duvenaud, "Isolating Sources of Disentanglement in VAEs", 2018, equation 2.
With q(z) = 1/N Σ q(z|n) over the N images of a data set, the aggregated posterior,

    E[KL(q(z|n) || p(z))] = KL(q(z,n) || q(z) p(n)) + KL(q(z) || Π q(z_j)) + Σ KL(q(z_j) || p(z_j)).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vae.core.errors import ConfigError
from vae.models.posterior import Posterior, prior_log_prob

Estimator = Literal["weighted", "stratified"]
"""How a minibatch stands for the data set in q(z); see `decompose_rate`."""

CHUNK_ELEMENTS = 2**17
"""Numbers in the largest tensor of `measure_rate_parts`, of which a few exist at once."""


@dataclass(frozen=True)
class RateParts:
    """The three parts at one posterior sample of each image, in nats; any of them may be negative.

    Whatever the estimate of q(z) and q(z_j), they telescope: their sum is
    log q(z|x) - log p(z) exactly, whose mean over z ~ q(z|x) is the closed-form rate.
    """

    index_code_mi: Float[Tensor, "batch"]
    """log q(z|x) - log q(z)."""

    total_correlation: Float[Tensor, "batch"]
    """log q(z) - Σ log q(z_j)."""

    dimension_wise_kl: Float[Tensor, "batch"]
    """Σ log q(z_j) - log p(z_j)."""

    @property
    def rate(self) -> Float[Tensor, "batch"]:
        """log q(z|x) - log p(z)."""
        return self.index_code_mi + self.total_correlation + self.dimension_wise_kl


@dataclass(frozen=True)
class MeanRateParts:
    """The three parts of a split, in nats per image."""

    index_code_mi: float
    """KL(q(z,n) || q(z) p(n)), at most log N: it says nothing of a code that tells all apart."""

    total_correlation: float
    """KL(q(z) || Π q(z_j))."""

    dimension_wise_kl: float
    """Σ KL(q(z_j) || p(z_j))."""

    @property
    def rate(self) -> float:
        """Their sum: the mean of log q(z|x) - log p(z) at the samples taken."""
        return self.index_code_mi + self.total_correlation + self.dimension_wise_kl


def decompose_rate(
    posterior: Posterior,
    z: Float[Tensor, "batch latent"],
    dataset_size: int,
    estimator: Estimator,
) -> RateParts:
    """The rate's parts at z ~ q(z|x), with q(z) and q(z_j) estimated from the minibatch alone.

    The batch is M of the N = `dataset_size` images, drawn without replacement, and row i of `z` a
    sample of row i of the posterior. q(z) ≈ Σ w_j q(z|x_j), and likewise for each q(z_j), with

    - "weighted" (appendix C.1): w = 1/(NM) for every image. The weights sum to 1/N, so log q(z)
      comes out too low by between log M (where z lies near its own image alone) and log N (where
      the posteriors overlap); so does each log q(z_j). Mutual information is too high and the
      dimension-wise KL too low accordingly, and the total correlation too high by up to
      (latent - 1) log N. Gradients do not see the constants, but see the sample's own image as
      one of M rather than one of N.
    - "stratified" (appendix C.2, for M - 1 other images): 1/N for the sample's own image, and
      (N-1)/(N(M-1)) for each other. The appendix gives 1/(M-1) to the others but the last, and
      (N-M+1)/(N(M-1)) to the last; this is its mean over which one is last, of the same
      expectation, no more variance, and equal to q(z) where the batch is the data set. Unbiased in
      q(z); log q(z) is too low by Jensen's inequality, hence mutual information too high in
      expectation, and the dimension-wise KL too low. The total correlation is the difference of
      two such errors and may be off either way, and below 0. A batch of one image has no others:
      its weight is 1/N.

    Differentiable in the posterior and in z. Memory: a few (batch, batch, latent) tensors. Raises
    ConfigError where the batch is larger than the data set.
    """
    log_weights = _log_weights(z, dataset_size, estimator)
    return _parts(posterior, z, *_log_mixture(posterior, z, log_weights))


@torch.inference_mode()
def measure_rate_parts(
    posterior: Posterior, generator: torch.Generator, images: int | None = None
) -> MeanRateParts:
    """The three parts of a split whose N posteriors are given, as of `encode_split`.

    The aggregated posterior is the exact mixture of all N posteriors. The expectation over it is
    the mean over one sample of each image or, to save time, of `images` of them drawn at random:
    unbiased, with a standard error that falls as 1/sqrt(images). `generator` must be on the
    posterior's device.

    The mixture is that of these N codes, not of the distribution they came from: where it leaves
    the codes apart, mutual information stands at log N, and what is left of the rate beside the
    dimension-wise KL is total correlation, even of independent dimensions. Compare splits of one
    size only.

    Time is that of images * N * latent exponentials; memory is bounded by CHUNK_ELEMENTS. Raises
    ConfigError unless `images` is from 1 to N.
    """
    count = len(posterior.mean)
    taken = count if images is None else images
    if not 1 <= taken <= count:
        raise ConfigError(f"images must be from 1 to the split's {count}, not {taken}")
    chosen = torch.randperm(count, generator=generator, device=posterior.mean.device)[:taken]
    drawn = Posterior(posterior.mean[chosen], posterior.logvar[chosen])
    z = drawn.sample(generator)
    log_weights = z.new_full((taken, 1), -math.log(count)).expand(taken, count)
    sums = torch.zeros(3, dtype=torch.float64)
    for rows in torch.arange(taken).split(max(1, CHUNK_ELEMENTS // posterior.mean.numel())):
        part = Posterior(drawn.mean[rows], drawn.logvar[rows])
        parts = _parts(part, z[rows], *_log_mixture(posterior, z[rows], log_weights[rows]))
        columns = (parts.index_code_mi, parts.total_correlation, parts.dimension_wise_kl)
        sums += torch.stack(columns).double().sum(dim=1).cpu()
    return MeanRateParts(*(sums / taken).tolist())


def _parts(
    posterior: Posterior,
    z: Float[Tensor, "batch latent"],
    log_q: Float[Tensor, "batch"],
    log_q_per_dimension: Float[Tensor, "batch latent"],
) -> RateParts:
    log_product = log_q_per_dimension.sum(dim=1)
    return RateParts(
        index_code_mi=posterior.log_prob(z) - log_q,
        total_correlation=log_q - log_product,
        dimension_wise_kl=log_product - prior_log_prob(z),
    )


def _log_mixture(
    posterior: Posterior,
    z: Float[Tensor, "batch latent"],
    log_weights: Float[Tensor, "batch components"],
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch latent"]]:
    """log Σ w q(z|x) over the posterior's rows, of the whole code and of each dimension."""
    standardised = (z[:, None] - posterior.mean) * torch.exp(-0.5 * posterior.logvar)
    log_normal = -0.5 * (standardised.square() + posterior.logvar + math.log(2 * math.pi))
    return (
        torch.logsumexp(log_normal.sum(dim=2) + log_weights, dim=1),
        torch.logsumexp(log_normal + log_weights[:, :, None], dim=1),
    )


def _log_weights(
    z: Float[Tensor, "batch latent"], dataset_size: int, estimator: Estimator
) -> Float[Tensor, "batch batch"]:
    """Row i: the weights of each image of the batch in the mixture at z ~ q(z|x_i)."""
    batch = len(z)
    if batch > dataset_size:
        raise ConfigError(f"dataset_size must be at least the batch's {batch}, not {dataset_size}")
    own = -math.log(dataset_size)
    if estimator == "weighted":
        return z.new_full((batch, batch), own - math.log(batch))
    others = math.log((dataset_size - 1) / (batch - 1)) if batch > 1 else 0.0
    return z.new_full((batch, batch), own + others).fill_diagonal_(own)
