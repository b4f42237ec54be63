"""A step of one model or of several stacked models, with gradients written out.

The models have one shape and the beta-VAE objective, and differ in beta, in seed or in both.

Example:
    >>> step = ManualStep([run], noise_streams=[0], generators=[run.noise])
    >>> indices = torch.arange(64)[None]  # one noise stream with a batch of 64 images
    >>> step(indices, kl_scale=torch.tensor(1.0), learning_rate=torch.tensor(1e-3))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vae.core.device import bfloat16_matmul
from vae.data.corruption import corrupted
from vae.training.manual.activations import Batch
from vae.training.manual.gradient import Gradient
from vae.training.manual.workspace import WorkspacePool
from vae.training.weights import WeightStack, update_by_adam

if TYPE_CHECKING:
    from vae.training.run import TrainingRun

CLIP_EPSILON = 1e-6
"""The number that torch's `clip_grad_norm_` adds to the norm."""


class ManualStep:
    """Takes the steps of runs that `supports_manual_step` allows, all of them at once."""

    def __init__(
        self,
        runs: Sequence[TrainingRun],
        noise_streams: Sequence[int],
        generators: Sequence[torch.Generator],
        pool: WorkspacePool | None = None,
    ) -> None:
        """`noise_streams` gives each run's index in `generators`.

        Steps that never run at the same time may share a `pool` of work buffers.
        """
        lead = runs[0]
        device, self._latent_dim = lead.model.device, lead.model.config.latent_dim
        self.sums = torch.zeros(len(runs), 1 + self._latent_dim, device=device)
        self.generators = list(generators)
        self._runs, self._config = list(runs), lead.config
        self._noise_streams = list(noise_streams)
        self._images = lead.images.images.flatten(1)
        self._pool = WorkspacePool(device) if pool is None else pool
        allocate = self._pool.get("gradients").buffer
        self._stack = WeightStack([run.weights for run in runs], allocate)
        self._rows = list(self._stack.gradients)
        self._step_count = torch.tensor(float(lead.step), device=device)
        self._by_size: dict[int, tuple[Batch, Gradient]] = {}

    @torch.inference_mode()
    def __call__(
        self,
        indices: Int[Tensor, "noise_streams batch"],
        kl_scale: Float[Tensor, ""],
        learning_rate: Float[Tensor, ""],
    ) -> None:
        """See `Step`."""
        size = indices.shape[1]
        if size not in self._by_size:
            self._by_size[size] = self._prepare(size)
        batch, gradient = self._by_size[size]
        self._read(batch, indices)
        is_half = self._config.precision == "bfloat16"
        with bfloat16_matmul() if is_half else nullcontext():
            gradient.write(kl_scale)
        self._clip()
        stack, rate = self._stack, learning_rate
        moments = [stack.first], [stack.second]
        update_by_adam([stack.values], [stack.gradients], *moments, [self._step_count], rate)

    def _prepare(self, size: int) -> tuple[Batch, Gradient]:
        """Return the batch and the gradient for one batch size."""
        workspace = self._pool.get(size)
        sizes = len(self.generators), size
        is_corrupted = self._config.corruption > 0
        batch = Batch(workspace, sizes, self._images, self._latent_dim, is_corrupted)
        streams, sums = self._noise_streams, self.sums
        return batch, Gradient(workspace, self._runs, self._stack, batch, streams, sums)

    def _read(self, batch: Batch, indices: Int[Tensor, "noise_streams batch"]) -> None:
        """Read the images at `indices`, corrupt them if configured, and draw the noise."""
        batch.read(self._images, indices)
        if self._config.corruption:
            noise = torch.zeros(batch.images.values.shape, device=indices.device)
            self._fill_with_noise(list(noise))
            inputs = corrupted(batch.images.values, self._config.corruption, noise)
            batch.inputs.values.copy_(inputs)
        self._fill_with_noise(batch.noise_per_stream)

    def _fill_with_noise(self, noise_per_stream: Sequence[Float[Tensor, "batch _"]]) -> None:
        for generator, rows in zip(self.generators, noise_per_stream, strict=True):
            fill_with_noise(rows, generator)

    def _clip(self) -> None:
        """Scale long gradients down; on a GPU the host does not wait to read the norm."""
        limit, gradients = self._config.grad_clip, self._stack.gradients
        if gradients.device.type != "cpu":
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((limit / (norms + CLIP_EPSILON)).clamp(max=1))
            return
        for row in self._rows:
            norm = math.sqrt(torch.dot(row, row))
            if norm > limit:
                row.mul_(limit / (norm + CLIP_EPSILON))


def fill_with_noise(values: Float[Tensor, "batch _"], generator: torch.Generator) -> None:
    """Overwrite values with samples of the standard normal distribution."""
    values.normal_(generator=generator)
