"""What goes through the layers: signals with a column of ones, and a batch made of them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vae.training.manual.op_list import Tape
from vae.training.manual.workspace import Room
from vae.training.weights import ALIGNMENT


class Signal:
    """What goes into a layer, of one model (batch, width), or several (models, batch, width)."""

    def __init__(self, whole: Float[Tensor, "*models batch columns"], width: int) -> None:
        """Views of `whole`, whose columns behind `width` are as `empty` leaves them."""
        self.whole, self.width = whole, width
        self.values = whole[..., :width]
        self.with_ones = whole[..., : width + 1]
        self.turned = self.with_ones.mT

    @classmethod
    def empty(cls, room: Room, sizes: tuple[int, ...], width: int) -> Signal:
        """One of the room's buffers."""
        columns = -(-(width + 1) // ALIGNMENT) * ALIGNMENT
        whole = room.take(*sizes, columns)
        whole[..., width] = 1
        return cls(whole, width)


class Batch:
    """A batch of every stream: its images, what the encoders see of them, the noise."""

    def __init__(
        self,
        room: Room,
        sizes: tuple[int, int],
        images: UInt8[Tensor, "n pixels"],
        latent_dim: int,
        is_corrupted: bool,
    ) -> None:
        pixels = images.shape[1]
        self.sizes = sizes
        self._levels = room.take(sizes[0] * sizes[1], pixels, dtype=torch.uint8)
        self._by_stream = self._levels.unflatten(0, sizes)
        self.images = Signal.empty(room, sizes, pixels)
        self.seen = Signal.empty(room, sizes, pixels) if is_corrupted else self.images
        self.noise = room.take(*sizes, latent_dim)
        self.noises = list(self.noise)

    def of_models(self, streams: list[int], tape: Tape) -> tuple[Signal, Tensor, Tensor]:
        """What models take of it, each from its stream: what they see, the images, the noise.

        By views, or where there is none by copies, which are recorded.
        """
        seen = self._of_models(self.seen, streams, tape)
        is_same = self.seen is self.images
        images = seen if is_same else self._of_models(self.images, streams, tape)
        noise = Signal(self.noise, self.noise.shape[-1])
        return seen, images.values, self._of_models(noise, streams, tape).whole

    def _of_models(self, signal: Signal, streams: list[int], tape: Tape) -> Signal:
        whole, width = signal.whole, signal.width
        if len(streams) == 1:
            return Signal(whole[streams[0]], width)
        if len(whole) == 1:
            return Signal(whole.expand(len(streams), *whole.shape[1:]), width)
        copy, chosen = torch.empty_like(whole[streams]), torch.tensor(streams, device=whole.device)
        tape.record(torch.index_select, whole, 0, chosen, out=copy)
        return Signal(copy, width)

    def read(
        self, images: UInt8[Tensor, "n pixels"], indices: Int[Tensor, "streams batch"]
    ) -> None:
        """The chosen images of each stream, as numbers in [0, 1]."""
        torch.index_select(images, 0, indices.reshape(-1), out=self._levels)
        self.images.values.copy_(self._by_stream).mul_(1 / 255)
