"""What goes through the layers: signals with a column of ones, and a batch made of them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.training.manual.op_list import OpList
from vae.training.manual.workspace import Workspace
from vae.training.weights import ALIGNMENT


class Activation:
    """What goes into a layer, of one model (batch, width), or several (models, batch, width)."""

    def __init__(self, whole: Float[Tensor, "*models batch columns"], width: int) -> None:
        """Views of `whole`, whose columns behind `width` are as `empty` leaves them."""
        self.whole, self.width = whole, width
        self.values = whole[..., :width]
        self.augmented = whole[..., : width + 1]
        self.T = self.augmented.mT

    @classmethod
    def empty(cls, workspace: Workspace, sizes: tuple[int, ...], width: int) -> Activation:
        """One of the workspace's buffers."""
        columns = -(-(width + 1) // ALIGNMENT) * ALIGNMENT
        whole = workspace.buffer(*sizes, columns)
        whole[..., width] = 1
        return cls(whole, width)


class Batch:
    """A batch of every stream: its images, what the encoders see of them, the noise."""

    def __init__(
        self,
        workspace: Workspace,
        sizes: tuple[int, int],
        images: UInt8[Tensor, "n pixels"],
        latent_dim: int,
        is_corrupted: bool,
    ) -> None:
        pixels = images.shape[1]
        self.sizes = sizes
        self._levels = workspace.buffer(sizes[0] * sizes[1], pixels, dtype=torch.uint8)
        self._by_stream = self._levels.unflatten(0, sizes)
        self.images = Activation.empty(workspace, sizes, pixels)
        self.seen = Activation.empty(workspace, sizes, pixels) if is_corrupted else self.images
        self.noise = workspace.buffer(*sizes, latent_dim)
        self.noises = list(self.noise)

    def of_models(self, streams: list[int], ops: OpList) -> tuple[Activation, Tensor, Tensor]:
        """What models take of it, each from its stream: what they see, the images, the noise.

        By views, or where there is none by copies, which are recorded.
        """
        seen = self._of_models(self.seen, streams, ops)
        is_same = self.seen is self.images
        images = seen if is_same else self._of_models(self.images, streams, ops)
        noise = Activation(self.noise, self.noise.shape[-1])
        return seen, images.values, self._of_models(noise, streams, ops).whole

    def _of_models(self, signal: Activation, streams: list[int], ops: OpList) -> Activation:
        whole, width = signal.whole, signal.width
        if len(streams) == 1:
            return Activation(whole[streams[0]], width)
        if len(whole) == 1:
            return Activation(whole.expand(len(streams), *whole.shape[1:]), width)
        copy, chosen = torch.empty_like(whole[streams]), torch.tensor(streams, device=whole.device)
        ops.add(torch.index_select, whole, 0, chosen, out=copy)
        return Activation(copy, width)

    def read(
        self, images: UInt8[Tensor, "n pixels"], indices: Int[Tensor, "streams batch"]
    ) -> None:
        """The chosen images of each stream, as numbers in [0, 1]."""
        torch.index_select(images, 0, indices.reshape(-1), out=self._levels)
        self.images.values.copy_(self._by_stream).mul_(1 / 255)
