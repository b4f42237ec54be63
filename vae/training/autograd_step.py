"""A step of any model under any objective, its gradients by autograd."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from vae.core.config import TrainConfig
from vae.data.corruption import corrupted
from vae.data.splits import Split
from vae.models.elbo import ElboTerms
from vae.models.networks.gates import LEARNING_RATE_FACTOR, is_gate, sample_betas
from vae.models.posterior import standard_normal
from vae.models.vae import VAE
from vae.training.losses import beta_tcvae_loss, beta_vae_loss, multi_rate_loss
from vae.training.perceptual import PerceptualLoss
from vae.training.weights import Weights, part, update_by_adam


class AutogradStep:
    """Steps of one model."""

    def __init__(
        self,
        model: VAE,
        config: TrainConfig,
        weights: Weights,
        taken: int,
        images: Split,
        noise: torch.Generator,
        perceptual_loss: PerceptualLoss | None = None,
    ) -> None:
        self._perceptual_loss = perceptual_loss
        self.sums = torch.zeros(1, 1 + model.config.latent_dim, device=model.device)
        self.generators = [noise]
        self._model, self._config, self._images, self._noise = model, config, images, noise
        self._descend = Descent(model, config, weights, taken)

    def __call__(
        self,
        indices: Int[Tensor, "1 batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        betas = betas_of_batch(self._model, indices.shape[1], self._noise)
        with autocast(self._model, self._config):
            images, labels = self._images.batch(indices[0]), self._images.labels[indices[0]]
            seen = self._seen(images)
            terms = terms_seeing(self._model, seen, images, self._noise, betas, labels)
            terms = terms if self._perceptual_loss is None else self._perceptual_loss(terms, images)
        self._descend(self._loss(terms, betas, kl_scale), learning_rate)
        self.sums[0, 0] += terms.distortion.detach().sum()
        self.sums[0, 1:] += terms.rate_per_dimension.detach().sum(dim=0)

    def _seen(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"] | None:
        if not self._config.corruption:
            return None
        noise = standard_normal(images.shape, self._noise)
        return corrupted(images, self._config.corruption, noise)

    def _loss(self, terms: ElboTerms, betas: Tensor | None, kl_scale: Tensor) -> Float[Tensor, ""]:
        config = self._config
        if betas is not None:
            return multi_rate_loss(terms, kl_scale * betas)
        if config.objective == "beta-tcvae":
            return beta_tcvae_loss(terms, config.beta, len(self._images), kl_scale)
        return beta_vae_loss(terms, kl_scale * config.beta, config.free_bits)


class Descent:
    """Gradients by autograd, clipped, and Adam, of one model."""

    def __init__(self, model: VAE, config: TrainConfig, weights: Weights, taken: int) -> None:
        self._parameters = list(model.parameters())
        self._grad_clip = config.grad_clip
        self._updates = _updates(model, weights, taken)

    def __call__(self, loss: Float[Tensor, ""], learning_rate: Float[Tensor, ""]) -> None:
        """One step down this loss."""
        for parameter in self._parameters:
            parameter.grad = None
        loss.backward()
        self._clip()
        for update in self._updates:
            update(learning_rate)

    def _clip(self) -> None:
        """On the CPU a norm that is small enough costs no second pass; on CUDA nobody may look."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = get_total_norm(gradients)
        if norm.device.type != "cpu" or bool(norm > self._grad_clip):
            clip_grads_with_norm_(self._parameters, self._grad_clip, norm)


def autocast(model: VAE, config: TrainConfig) -> torch.autocast:
    """The layers' arithmetic in the configured precision."""
    is_half = config.precision == "bfloat16"
    return torch.autocast(model.device.type, torch.bfloat16, enabled=is_half, cache_enabled=False)


def terms_seeing(
    model: VAE,
    seen: Float[Tensor, "batch c h w"] | None,
    images: Float[Tensor, "batch c h w"],
    noise: torch.Generator | Float[Tensor, "batch latent"],
    betas: Float[Tensor, "batch"] | None,
    labels: Int[Tensor, "batch"],
) -> ElboTerms:
    """The terms of images in whose place the encoder sees others, where there are any."""
    if seen is None:
        return model.elbo_terms(images, noise, betas, labels)
    return model.elbo_from_posterior(
        model.encode(seen, betas, labels), images, noise, betas, labels
    )


def betas_of_batch(model: VAE, count: int, noise: torch.Generator) -> Float[Tensor, "count"] | None:
    """A beta for each image, drawn from the model's range; None where it has none."""
    if model.config.beta_range is None:
        return None
    low, high = model.config.beta_range
    return sample_betas(low, high, count, noise)


def _updates(model: VAE, weights: Weights, taken: int) -> list[Callable[[Tensor], None]]:
    """Adam of the weights and, where there are gates, of those, which learn faster."""
    gates = {name for name in weights.places if is_gate(model, name)}
    groups = [([n for n in weights.places if n not in gates], 1.0)]
    if gates:
        groups.append((list(gates), LEARNING_RATE_FACTOR))
    return [_update(model, weights, taken, names, factor) for names, factor in groups]


def _update(
    model: VAE, weights: Weights, taken: int, names: list[str], factor: float
) -> Callable[[Tensor], None]:
    parameters = [model.get_parameter(name) for name in names]
    first, second = (
        [part(buffer, weights.places[name]) for name in names]
        for buffer in (weights.first, weights.second)
    )
    counts = [torch.tensor(float(taken), device=model.device) for _ in names]

    @torch.no_grad()
    def update(learning_rate: Tensor) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        assert len(gradients) == len(parameters)
        rate = learning_rate if factor == 1 else factor * learning_rate
        update_by_adam([p.detach() for p in parameters], gradients, first, second, counts, rate)

    return update
