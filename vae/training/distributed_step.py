"""A step of one model by several processes, each of which takes its part of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vae.core.config import TrainConfig
from vae.data.corruption import corrupted
from vae.models.posterior import standard_normal
from vae.models.vae import VAE
from vae.training.autograd_step import ClippedAdam, autocast, betas_of_batch, terms_seeing
from vae.training.losses import loss_per_image
from vae.training.perceptual import PerceptualLoss

if TYPE_CHECKING:
    from vae.training.run import TrainingRun


class DistributedStep:
    """Steps that come out as those of one process would, to rounding, however many take part.

    All processes draw the noise of the whole batch, from generators that stay alike, and `sums`
    are those of all of them, at every step.
    """

    def __init__(self, run: TrainingRun) -> None:
        model = run.model
        self.sums = torch.zeros(1, 1 + model.config.latent_dim, device=model.device)
        self.generators = [run.noise]
        self._model, self._config, self._images, self._noise = (
            model,
            run.config,
            run.images,
            run.noise,
        )
        self._process_group = run.process_group
        self._descend = ClippedAdam(run)
        self._part = DistributedDataParallel(
            _PartOfBatch(model, run.config, run.perceptual_loss),
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
        count = indices.shape[1]
        mine = self._process_group.shard(count)
        betas = betas_of_batch(self._model, count, self._noise)
        chosen = indices[0, mine]
        images, labels = self._images.batch(chosen), self._images.labels[chosen]
        seen = self._seen(images, mine, count)
        noise = standard_normal((count, self._model.config.latent_dim), self._noise)
        mine_betas = None if betas is None else betas[mine]
        loss, sums = self._part(seen, images, labels, noise[mine], mine_betas, kl_scale)
        self._process_group.all_reduce(sums)
        # The gradient is averaged over processes, whose parts of a batch may differ in size.
        self._descend(loss * (self._process_group.size / count), learning_rate)
        self.sums[0] += sums

    def _seen(
        self, images: Float[Tensor, "part c h w"], mine: slice, count: int
    ) -> Float[Tensor, "part c h w"] | None:
        if not self._config.corruption:
            return None
        noise = standard_normal((count, *images.shape[1:]), self._noise)
        return corrupted(images, self._config.corruption, noise[mine])


class _PartOfBatch(nn.Module):
    def __init__(
        self, model: VAE, config: TrainConfig, perceptual_loss: PerceptualLoss | None
    ) -> None:
        super().__init__()
        self._model, self._config, self._perceptual_loss = model, config, perceptual_loss

    def forward(
        self,
        seen: Float[Tensor, "part c h w"] | None,
        images: Float[Tensor, "part c h w"],
        labels: Int[Tensor, part],
        noise: Float[Tensor, "part latent"],
        betas: Float[Tensor, part] | None,
        kl_scale: Float[Tensor, ""],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, terms]]:
        """The loss, and distortion and rates, summed over the images."""
        with autocast(self._model, self._config):
            terms = terms_seeing(self._model, seen, images, noise, betas, labels)
            terms = terms if self._perceptual_loss is None else self._perceptual_loss(terms, images)
        beta = kl_scale * (self._config.beta if betas is None else betas)
        sums = torch.cat([terms.distortion[:, None], terms.rate_per_dimension], dim=1).sum(dim=0)
        return loss_per_image(terms, beta).sum(), sums.detach()
