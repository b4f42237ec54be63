"""A step of any model under any objective, with gradients by autograd.

Example:
    >>> step = AutogradStep(run)
    >>> indices = torch.arange(64)[None]  # one noise stream with a batch of 64 images
    >>> step(indices, kl_scale=torch.tensor(1.0), learning_rate=torch.tensor(1e-3))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from vae.core.config import TrainConfig
from vae.data.corruption import corrupted
from vae.models.condition import Condition
from vae.models.elbo import ElboTerms
from vae.models.networks.gates import LEARNING_RATE_FACTOR, is_gate, sample_betas
from vae.models.posterior import standard_normal
from vae.models.vae import VAE
from vae.training.losses import beta_tcvae_loss, beta_vae_loss, multi_rate_loss
from vae.training.weights import slot_view, update_by_adam

if TYPE_CHECKING:
    from vae.training.run import TrainingRun


class AutogradStep:
    """Takes the steps of one run, of any kind of model and any objective."""

    def __init__(self, run: TrainingRun) -> None:
        model = run.model
        self.sums = torch.zeros(1, 1 + model.config.latent_dim, device=model.device)
        self.generators = [run.noise]
        self.update = ClippedAdam(run)
        self._run = run

    def __call__(
        self,
        indices: Int[Tensor, "1 batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        loss, terms = self.loss(indices, kl_scale)
        self.update(loss, learning_rate)
        self.sums[0, 0] += terms.distortion.detach().sum()
        self.sums[0, 1:] += terms.rate_per_dimension.detach().sum(dim=0)

    def loss(
        self, indices: Int[Tensor, "1 batch"], kl_scale: Float[Tensor, ""]
    ) -> tuple[Float[Tensor, ""], ElboTerms]:
        """Return the loss of the images at `indices`, and the terms that it is computed from."""
        run, noise = self._run, self.generators[0]
        betas = sample_batch_betas(run.model, indices.shape[1], noise)
        with autocast(run.model, run.config):
            images, labels = run.images.batch(indices[0]), run.images.labels[indices[0]]
            inputs = corrupted_inputs(images, run.config, noise)
            terms = elbo_terms_from_inputs(run.model, inputs, images, noise, betas, labels)
            terms = terms if run.perceptual_loss is None else run.perceptual_loss(terms, images)
        return self._loss_of_terms(terms, betas, kl_scale), terms

    def _loss_of_terms(
        self, terms: ElboTerms, betas: Tensor | None, kl_scale: Tensor
    ) -> Float[Tensor, ""]:
        config = self._run.config
        if betas is not None:
            return multi_rate_loss(terms, kl_scale * betas)
        if config.objective == "beta-tcvae":
            return beta_tcvae_loss(terms, config.beta, len(self._run.images), kl_scale)
        return beta_vae_loss(terms, kl_scale * config.beta, config.free_bits)


class ClippedAdam:
    """Computes gradients by autograd, clips them and applies Adam."""

    def __init__(self, run: TrainingRun) -> None:
        self._parameters = list(run.model.parameters())
        self._grad_clip = run.config.grad_clip
        self._updates = _updates(run)

    def __call__(self, loss: Float[Tensor, ""], learning_rate: Float[Tensor, ""]) -> None:
        """Take one step that lowers this loss."""
        for parameter in self._parameters:
            parameter.grad = None
        loss.backward()
        self._clip()
        for update in self._updates:
            update(learning_rate)

    def _clip(self) -> None:
        """Scale long gradients down; on a GPU the host does not wait to read the norm."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = get_total_norm(gradients)
        if norm.device.type != "cpu" or bool(norm > self._grad_clip):
            clip_grads_with_norm_(self._parameters, self._grad_clip, norm)


def autocast(model: VAE, config: TrainConfig) -> torch.autocast:
    """Return a context in which the layers compute in the configured precision."""
    is_half = config.precision == "bfloat16"
    return torch.autocast(model.device.type, torch.bfloat16, enabled=is_half, cache_enabled=False)


def corrupted_inputs(
    images: Float[Tensor, "part c h w"],
    config: TrainConfig,
    generator: torch.Generator,
    shard: slice = slice(None),
    count: int | None = None,
) -> Float[Tensor, "part c h w"] | None:
    """Return corrupted images for the encoder; None if the run trains without corruption.

    `images` may be the rows `shard` of a batch of `count` images; the noise is then sampled for the
    whole batch.
    """
    if not config.corruption:
        return None
    rows = len(images) if count is None else count
    noise = standard_normal((rows, *images.shape[1:]), generator)
    return corrupted(images, config.corruption, noise[shard])


def elbo_terms_from_inputs(
    model: VAE,
    inputs: Float[Tensor, "batch c h w"] | None,
    images: Float[Tensor, "batch c h w"],
    noise: torch.Generator | Float[Tensor, "batch latent"],
    betas: Float[Tensor, batch] | None,
    labels: Int[Tensor, batch],
) -> ElboTerms:
    """Return the ELBO's terms of images, where the encoder may read other inputs in their place.

    Args:
        model: The model.
        inputs: The images that the encoder reads, such as corrupted ones; None for `images`.
        images: The images that the decoder must reconstruct.
        noise: A generator, or the noise of the posterior samples.
        betas: A beta for each image; None if the model has no range of betas.
        labels: The class of each image.
    """
    condition = Condition(betas, labels)
    if inputs is None:
        return model.elbo_terms(images, noise, condition)
    return model.elbo_from_posterior(model.encode(inputs, condition), images, noise, condition)


def sample_batch_betas(
    model: VAE, count: int, noise: torch.Generator
) -> Float[Tensor, count] | None:
    """Sample a beta for each image from the model's range; return None if it has no range."""
    if model.config.beta_range is None:
        return None
    low, high = model.config.beta_range
    return sample_betas(low, high, count, noise)


def _updates(run: TrainingRun) -> list[Callable[[Tensor], None]]:
    """Return Adam's update of the weights, and another of the gates, which learn faster."""
    slots = run.weights.slots
    gates = {name for name in slots if is_gate(run.model, name)}
    groups = [([name for name in slots if name not in gates], 1.0)]
    if gates:
        groups.append((list(gates), LEARNING_RATE_FACTOR))
    return [_update(run, names, factor) for names, factor in groups]


def _update(run: TrainingRun, names: list[str], factor: float) -> Callable[[Tensor], None]:
    """Return Adam's update of the named parameters, at `factor` times the learning rate."""
    parameters = [run.model.get_parameter(name) for name in names]
    first, second = (
        [slot_view(buffer, run.weights.slots[name]) for name in names]
        for buffer in (run.weights.first, run.weights.second)
    )
    counts = [torch.tensor(float(run.step), device=run.model.device) for _ in names]

    @torch.no_grad()
    def update(learning_rate: Tensor) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        assert len(gradients) == len(parameters)
        rate = learning_rate if factor == 1 else factor * learning_rate
        update_by_adam([p.detach() for p in parameters], gradients, first, second, counts, rate)

    return update
