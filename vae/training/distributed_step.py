"""A step of one model by several processes; each process computes a part of the batch.

Example:
    >>> run.process_group = group  # from `join_process_group`, in each process
    >>> step = DistributedStep(run)
    >>> step(indices, kl_scale, learning_rate)  # the indices of the whole batch
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vae.core.config import TrainConfig
from vae.models.posterior import standard_normal
from vae.models.vae import VAE
from vae.training.autograd_step import (
    ClippedAdam,
    autocast,
    corrupted_inputs,
    elbo_terms_from_inputs,
    sample_batch_betas,
)
from vae.training.losses import loss_per_image
from vae.training.perceptual import PerceptualLoss

if TYPE_CHECKING:
    from vae.training.run import TrainingRun


class DistributedStep:
    """Takes steps that equal those of a single process, up to rounding.

    Every process draws the noise of the whole batch from its generator, so all generators stay in
    the same state. After each step `sums` holds the sums over all processes.
    """

    def __init__(self, run: TrainingRun) -> None:
        model = run.model
        self.sums = torch.zeros(1, 1 + model.config.latent_dim, device=model.device)
        self.generators = [run.noise]
        self._run, self._update = run, ClippedAdam(run)
        self._loss_of_part = DistributedDataParallel(
            _LossOfPart(model, run.config, run.perceptual_loss),
            device_ids=[model.device] if model.device.type == "cuda" else None,
            gradient_as_bucket_view=True,
        )

    def __call__(
        self,
        indices: Int[Tensor, "1 batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        run, group, count = self._run, self._run.process_group, indices.shape[1]
        shard = group.shard(count)
        betas = sample_batch_betas(run.model, count, run.noise)
        own = indices[0, shard]
        images, labels = run.images.batch(own), run.images.labels[own]
        inputs = corrupted_inputs(images, run.config, run.noise, shard, count)
        noise = standard_normal((count, run.model.config.latent_dim), run.noise)
        own_betas = None if betas is None else betas[shard]
        loss, sums = self._loss_of_part(inputs, images, labels, noise[shard], own_betas, kl_scale)
        group.all_reduce(sums)
        # The processes' gradients are averaged, but their parts of the batch may differ in size.
        self._update(loss * (group.size / count), learning_rate)
        self.sums[0] += sums


class _LossOfPart(nn.Module):
    """The loss as a module, because torch distributes modules."""

    def __init__(
        self, model: VAE, config: TrainConfig, perceptual_loss: PerceptualLoss | None
    ) -> None:
        super().__init__()
        self._model, self._config, self._perceptual_loss = model, config, perceptual_loss

    def forward(
        self,
        inputs: Float[Tensor, "part c h w"] | None,
        images: Float[Tensor, "part c h w"],
        labels: Int[Tensor, part],
        noise: Float[Tensor, "part latent"],
        betas: Float[Tensor, part] | None,
        kl_scale: Float[Tensor, ""],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, terms]]:
        """Return the loss, and the distortion and rates, each summed over the images.

        The arguments are those of `elbo_terms_from_inputs`, with the warm-up's `kl_scale`.
        """
        with autocast(self._model, self._config):
            terms = elbo_terms_from_inputs(self._model, inputs, images, noise, betas, labels)
            terms = terms if self._perceptual_loss is None else self._perceptual_loss(terms, images)
        beta = kl_scale * (self._config.beta if betas is None else betas)
        sums = torch.cat([terms.distortion[:, None], terms.rate_per_dimension], dim=1).sum(dim=0)
        return loss_per_image(terms, beta).sum(), sums.detach()
