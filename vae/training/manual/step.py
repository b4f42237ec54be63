"""A step of one model or of several at once, none of it by autograd.

The models have one shape and one objective, the beta-VAE's, and differ in beta, seed or both.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import bfloat16_matmul
from vae.data.corruption import corrupted
from vae.data.splits import Split
from vae.models.likelihood import MANUAL_LIKELIHOODS
from vae.models.networks.architectures import CONVOLUTIONAL, DENSE
from vae.models.vae import VAE
from vae.training.manual.activations import Batch
from vae.training.manual.gradient import Gradient
from vae.training.manual.workspace import WorkspacePool
from vae.training.weights import Weights, WeightStack, update_by_adam

CLIP_EPSILON = 1e-6
"""As in torch's clip_grad_norm_."""


def supports_manual_step(
    model: ModelConfig, config: TrainConfig, device: torch.device, models: int = 1
) -> bool:
    """Whether a ManualStep can take the steps of so many such models.

    With convolutions it takes one's, on the CPU: a CUDA graph has done away with what it saves.
    """
    is_plain = model.kind == "vae" and model.beta_range is None and config.objective == "beta-vae"
    is_plain = is_plain and model.likelihood in MANUAL_LIKELIHOODS and config.perceptual == 0
    on_cpu, is_float32 = device.type == "cpu", config.precision == "float32"
    if model.architecture in DENSE:
        return is_plain and (on_cpu or (device.type == "cuda" and is_float32))
    is_supported = model.architecture in CONVOLUTIONAL and on_cpu and is_float32
    return is_plain and is_supported and models == 1


class ManualStep:
    """Steps of models that `supports_manual_step` holds for, side by side in every operation."""

    def __init__(
        self,
        models: Sequence[VAE],
        betas: Sequence[float],
        config: TrainConfig,
        weights: Sequence[Weights],
        taken: int,
        images: Split,
        streams: Sequence[int],
        noises: Sequence[torch.Generator],
        pool: WorkspacePool | None = None,
    ) -> None:
        """Such models that take steps in between may be given the same pool to work in."""
        device, latent_dim = models[0].device, models[0].config.latent_dim
        self.sums = torch.zeros(len(models), 1 + latent_dim, device=device)
        self.generators = list(noises)
        self._model, self._config, self._streams = models[0], config, list(streams)
        self._betas = torch.tensor(betas, dtype=torch.float32, device=device)
        self._images = images.images.flatten(1)
        self._stack = WeightStack(weights)
        self._pool = WorkspacePool(device) if pool is None else pool
        self._gradients = self._pool.get("gradients").buffer(*self._stack.values.shape)
        self._rows = list(self._gradients)
        self._taken = torch.tensor(float(taken), device=device)
        self._by_size: dict[int, tuple[Batch, Gradient]] = {}

    @torch.inference_mode()
    def __call__(
        self,
        indices: Int[Tensor, "streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        size = indices.shape[1]
        if size not in self._by_size:
            self._by_size[size] = self._prepared(size)
        batch, gradient = self._by_size[size]
        self._read(batch, indices)
        is_half = self._config.precision == "bfloat16"
        with bfloat16_matmul() if is_half else nullcontext():
            gradient.write(kl_scale)
        self._clip()
        stack, rate = self._stack, learning_rate
        moments = [stack.first], [stack.second]
        update_by_adam([stack.values], [self._gradients], *moments, [self._taken], rate)

    def _prepared(self, size: int) -> tuple[Batch, Gradient]:
        workspace = self._pool.get(size)
        sizes, model = (len(self.generators), size), self._model
        is_corrupted = self._config.corruption > 0
        batch = Batch(workspace, sizes, self._images, model.config.latent_dim, is_corrupted)
        gradient = Gradient(
            workspace,
            model,
            self._config,
            self._betas,
            self._stack,
            self._gradients,
            batch,
            self._streams,
            self.sums,
        )
        return batch, gradient

    def _read(self, batch: Batch, indices: Int[Tensor, "streams batch"]) -> None:
        batch.read(self._images, indices)
        if self._config.corruption:
            drawn = torch.zeros(batch.images.values.shape, device=indices.device)
            self._draw(list(drawn))
            seen = corrupted(batch.images.values, self._config.corruption, drawn)
            batch.seen.values.copy_(seen)
        self._draw(batch.noises)

    def _draw(self, streams: Sequence[Float[Tensor, "batch _"]]) -> None:
        for generator, rows in zip(self.generators, streams, strict=True):
            rows.normal_(generator=generator)

    def _clip(self) -> None:
        """On the CPU a norm that is small enough costs no second pass; on CUDA nobody may look."""
        limit = self._config.grad_clip
        if self._gradients.device.type != "cpu":
            norms = torch.linalg.vector_norm(self._gradients, dim=1, keepdim=True)
            self._gradients.mul_((limit / (norms + CLIP_EPSILON)).clamp(max=1))
            return
        for row in self._rows:
            norm = math.sqrt(torch.dot(row, row))
            if norm > limit:
                row.mul_(limit / (norm + CLIP_EPSILON))
