"""Splits the rate (KL) into mutual information, total correlation and dimension-wise KL.

Chen, Li, Grosse and Duvenaud, "Isolating Sources of Disentanglement in VAEs", 2018, equation 2.
With q(z) = 1/N Σ q(z|n) over the N images of a data set, the aggregated posterior,

    E[KL(q(z|n) || p(z))] = KL(q(z,n) || q(z) p(n)) + KL(q(z) || Π q(z_j)) + Σ KL(q(z_j) || p(z_j)).

Example:
    >>> posterior = encode_split(model, split).posterior
    >>> parts = measure_rate_parts(posterior, torch.Generator().manual_seed(0), images=1000)
    >>> parts.total_correlation, parts.rate  # nats per image
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
"""The way to estimate the data set's q(z) from a minibatch; see `decompose_rate`."""

CHUNK_ELEMENTS = 2**17
"""Numbers in the largest tensors of `measure_rate_parts`; a few of them exist at once."""


@dataclass(frozen=True)
class RateParts:
    """The three parts at one posterior sample of each image, in nats; each may be negative.

    Their sum is exactly log q(z|x) - log p(z) for any estimate of q(z) and q(z_j), because these
    cancel. The mean of the sum over z ~ q(z|x) is the closed-form rate.
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
    """The means of the three parts over a split, in nats per image."""

    index_code_mi: float
    """KL(q(z,n) || q(z) p(n)), at most log N, which it reaches if every image has its own code."""

    total_correlation: float
    """KL(q(z) || Π q(z_j))."""

    dimension_wise_kl: float
    """Σ KL(q(z_j) || p(z_j))."""

    @property
    def rate(self) -> float:
        """The sum of the parts: the mean of log q(z|x) - log p(z) over the samples."""
        return self.index_code_mi + self.total_correlation + self.dimension_wise_kl


def decompose_rate(
    posterior: Posterior,
    z: Float[Tensor, "batch latent"],
    dataset_size: int,
    estimator: Estimator,
) -> RateParts:
    """Return the rate's parts at z ~ q(z|x), with q(z) and q(z_j) estimated from the minibatch.

    The batch holds M of the N = `dataset_size` images, drawn without replacement. Row i of `z` is
    a sample of row i of the posterior. Both estimators compute q(z) ≈ Σ w_j q(z|x_j), and each
    q(z_j) in the same way. They differ in the weights w_j:

    - "weighted" (appendix C.1): w = 1/(NM) for every image. The weights sum to 1/N, so log q(z)
      and each log q(z_j) are too low. The error is between log M (z is near its own image only)
      and log N (the posteriors overlap). Mutual information is therefore too high, the
      dimension-wise KL too low, and the total correlation too high by up to (latent - 1) log N.
      Constant errors leave the gradients unchanged, but the gradients count the sample's own
      image as one of M rather than one of N.
    - "stratified" (appendix C.2, for M - 1 other images): w = 1/N for the sample's own image, and
      (N-1)/(N(M-1)) for each other image. The appendix gives (N-M+1)/(N(M-1)) to the last of the
      others and 1/(M-1) to the rest. Ours is the mean of its weights over all choices of the last
      image: the expectation is the same, the variance no larger, and the result equals q(z) if
      the batch is the data set. The estimate of q(z) is unbiased. By Jensen's inequality log q(z)
      is too low, so in expectation mutual information is too high and the dimension-wise KL too
      low. The total correlation is the difference of two such errors: it may be too high or too
      low, and below 0. The image of a batch of one has the weight 1/N.

    The result is differentiable in the posterior and in z. Memory: a few (batch, batch, latent)
    tensors. Raises ConfigError if the batch is larger than the data set.
    """
    log_weights = _log_weights(z, dataset_size, estimator)
    return _parts(posterior, z, *_log_mixture(posterior, z, log_weights))


@torch.inference_mode()
def measure_rate_parts(
    posterior: Posterior, generator: torch.Generator, images: int | None = None
) -> MeanRateParts:
    """Return the three parts of a split, given its N posteriors, such as those of `encode_split`.

    The aggregated posterior is the exact mixture of all N posteriors. The expectation over it is
    estimated by the mean over one sample of each image. To save time, `images` images chosen at
    random are enough: the mean stays unbiased, and its standard error falls as 1/sqrt(images).
    `generator` must be on the posterior's device.

    The mixture is that of these N codes, not of the distribution that the images come from. If the
    codes do not overlap, mutual information is log N, and the rest of the rate apart from the
    dimension-wise KL counts as total correlation, even for independent dimensions. Compare only
    splits of the same size.

    The time is that of images * N * latent exponentials; CHUNK_ELEMENTS bounds the memory. Raises
    ConfigError unless `images` is from 1 to N.
    """
    count = len(posterior.mean)
    sampled = count if images is None else images
    if not 1 <= sampled <= count:
        raise ConfigError(f"images must be from 1 to the split's {count}, not {sampled}")
    chosen = torch.randperm(count, generator=generator, device=posterior.mean.device)[:sampled]
    subset = Posterior(posterior.mean[chosen], posterior.logvar[chosen])
    z = subset.sample(generator)
    log_weights = z.new_full((sampled, 1), -math.log(count)).expand(sampled, count)
    sums = torch.zeros(3, dtype=torch.float64)
    for rows in torch.arange(sampled).split(max(1, CHUNK_ELEMENTS // posterior.mean.numel())):
        part = Posterior(subset.mean[rows], subset.logvar[rows])
        parts = _parts(part, z[rows], *_log_mixture(posterior, z[rows], log_weights[rows]))
        columns = (parts.index_code_mi, parts.total_correlation, parts.dimension_wise_kl)
        sums += torch.stack(columns).double().sum(dim=1).cpu()
    return MeanRateParts(*(sums / sampled).tolist())


def _parts(
    posterior: Posterior,
    z: Float[Tensor, "batch latent"],
    log_q: Float[Tensor, "batch"],
    log_q_per_dimension: Float[Tensor, "batch latent"],
) -> RateParts:
    """Return the parts, given log q(z) and log q(z_j) at each sample."""
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
    """Return log Σ w q(z|x) over the posterior's rows, for the whole code and each dimension."""
    standardised = (z[:, None] - posterior.mean) * torch.exp(-0.5 * posterior.logvar)
    log_normal = -0.5 * (standardised.square() + posterior.logvar + math.log(2 * math.pi))
    return (
        torch.logsumexp(log_normal.sum(dim=2) + log_weights, dim=1),
        torch.logsumexp(log_normal + log_weights[:, :, None], dim=1),
    )


def _log_weights(
    z: Float[Tensor, "batch latent"], dataset_size: int, estimator: Estimator
) -> Float[Tensor, "batch batch"]:
    """Return in row i the log weight of each image in the mixture at z ~ q(z|x_i)."""
    batch = len(z)
    if batch > dataset_size:
        raise ConfigError(f"dataset_size must be at least the batch's {batch}, not {dataset_size}")
    own = -math.log(dataset_size)
    if estimator == "weighted":
        return z.new_full((batch, batch), own - math.log(batch))
    others = math.log((dataset_size - 1) / (batch - 1)) if batch > 1 else 0.0
    return z.new_full((batch, batch), own + others).fill_diagonal_(own)
