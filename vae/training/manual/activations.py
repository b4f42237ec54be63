"""Activations followed by a column of ones, and batches of images and noise."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import ALIGNMENT


class Activation:
    """The input of a layer: (batch, width) for one model, (models, batch, width) for several."""

    def __init__(self, padded: Float[Tensor, "*models batch columns"], width: int) -> None:
        """Make views of `padded`: the first `width` columns, a column of ones, zeros."""
        self.padded, self.width = padded, width
        self.values = padded[..., :width]
        self.augmented = padded[..., : width + 1]
        self.T = self.augmented.mT

    @classmethod
    def empty(cls, workspace: Workspace, sizes: tuple[int, ...], width: int) -> Activation:
        """Return an activation in the workspace's next buffer, with its column of ones."""
        columns = -(-(width + 1) // ALIGNMENT) * ALIGNMENT
        padded = workspace.buffer(*sizes, columns)
        padded[..., width] = 1
        return cls(padded, width)


class Batch:
    """A batch for each noise stream: its images, the encoders' inputs and the noise."""

    def __init__(
        self,
        workspace: Workspace,
        sizes: tuple[int, int],
        images: UInt8[Tensor, "n pixels"],
        latent_dim: int,
        is_corrupted: bool,
    ) -> None:
        """`sizes` gives the number of noise streams and the batch size of each."""
        pixels = images.shape[1]
        self.sizes = sizes
        self._levels = workspace.buffer(sizes[0] * sizes[1], pixels, dtype=torch.uint8)
        self._levels_per_stream = self._levels.unflatten(0, sizes)
        self.images = Activation.empty(workspace, sizes, pixels)
        self.inputs = Activation.empty(workspace, sizes, pixels) if is_corrupted else self.images
        self.noise = workspace.buffer(*sizes, latent_dim)
        self.noise_per_stream = list(self.noise)

    def select(self, noise_streams: list[int], ops: OpList) -> tuple[Activation, Tensor, Tensor]:
        """Return the encoder's inputs, the images and the noise of each model's noise stream.

        They are views if possible. Otherwise they are copies, and `ops` records the copying.
        """
        inputs = _select(self.inputs, noise_streams, ops)
        is_same = self.inputs is self.images
        images = inputs if is_same else _select(self.images, noise_streams, ops)
        noise = Activation(self.noise, self.noise.shape[-1])
        return inputs, images.values, _select(noise, noise_streams, ops).padded

    def read(
        self, images: UInt8[Tensor, "n pixels"], indices: Int[Tensor, "noise_streams batch"]
    ) -> None:
        """Copy the images at `indices` into the batch, as numbers in [0, 1]."""
        torch.index_select(images, 0, indices.reshape(-1), out=self._levels)
        self.images.values.copy_(self._levels_per_stream).mul_(1 / 255)


def _select(activation: Activation, noise_streams: list[int], ops: OpList) -> Activation:
    """Return an activation with one row per model, from one with one row per noise stream."""
    padded, width = activation.padded, activation.width
    if len(noise_streams) == 1:
        return Activation(padded[noise_streams[0]], width)
    if len(padded) == 1:
        return Activation(padded.expand(len(noise_streams), *padded.shape[1:]), width)
    copy = torch.empty_like(padded[noise_streams])
    rows = torch.tensor(noise_streams, device=padded.device)
    ops.add(torch.index_select, padded, 0, rows, out=copy)
    return Activation(copy, width)
