"""The losses that training minimises, computed from the ELBO's two terms.

Example:
    >>> terms = model.elbo_terms(images, torch.Generator().manual_seed(0))
    >>> beta_vae_loss(terms, beta=4.0).backward()
"""

from jaxtyping import Float
from torch import Tensor

from vae.models.elbo import ElboTerms
from vae.training.total_correlation import decompose_rate


def beta_vae_loss(
    terms: ElboTerms, beta: float | Tensor, free_bits: float = 0.0
) -> Float[Tensor, ""]:
    """Return mean(distortion) + beta * rate, in nats per image: the beta-VAE objective.

    Each term is summed over pixels or dimensions and averaged over the batch. With free bits
    (Kingma et al. 2016, appendix C8) a dimension's batch-mean rate counts as at least `free_bits`,
    so the loss gains nothing from pushing it lower. A penalty of the terms is added unscaled.
    """
    rate_per_dimension = terms.rate_per_dimension.mean(dim=0)
    if free_bits > 0:
        rate_per_dimension = rate_per_dimension.clamp(min=free_bits)
    loss = terms.distortion.mean() + beta * rate_per_dimension.sum()
    return loss if terms.penalty is None else loss + terms.penalty.mean()


def multi_rate_loss(terms: ElboTerms, beta: Float[Tensor, "batch"]) -> Float[Tensor, ""]:
    """Return mean(distortion + beta * rate), with one beta per image (Bae et al. 2023)."""
    return loss_per_image(terms, beta).mean()


def loss_per_image(
    terms: ElboTerms, beta: Float[Tensor, "batch"] | Float[Tensor, ""]
) -> Float[Tensor, "batch"]:
    """Return distortion + beta * rate of each image in nats, plus the penalty if there is one."""
    loss = terms.distortion + beta * terms.rate
    return loss if terms.penalty is None else loss + terms.penalty


def beta_tcvae_loss(
    terms: ElboTerms, beta: float, dataset_size: int, kl_scale: float | Tensor = 1.0
) -> Float[Tensor, ""]:
    """Return mean(distortion) + kl_scale * (rate + (beta - 1) * total correlation), in nats.

    This is equation 4 of Chen et al. 2018 with alpha = gamma = 1: of the rate's three parts, beta
    weighs the total correlation alone. The rate is in closed form. The total correlation is
    estimated from the batch by minibatch-stratified sampling of a training set of `dataset_size`
    images. `kl_scale` is the factor of the warm-up.
    """
    parts = decompose_rate(terms.posterior, terms.z, dataset_size, "stratified")
    penalty = terms.rate + (beta - 1) * parts.total_correlation
    return (terms.distortion + kl_scale * penalty).mean()


def warmup_kl_scale(step: int, warmup_steps: float) -> float:
    """Return the factor of beta at a step (from 0) of a linear warm-up: from 0 up to 1.

    Bowman et al. 2016; Sønderby et al. 2016.
    """
    return 1.0 if warmup_steps <= 0 else min(1.0, step / warmup_steps)
