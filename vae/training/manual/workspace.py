"""Memory for what a step works on. Models that take turns share it, and find it in the cache.

Nobody reads what an earlier step has left there, but for what each of them writes alike: ones
behind a signal, and the zeros behind those.
"""

from collections.abc import Hashable

import torch
from torch import Tensor


class WorkspacePool:
    """One for each size of batch, or whatever else tells steps of different shapes apart."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: dict[Hashable, list[Tensor]] = {}

    def get(self, key: Hashable) -> "Workspace":
        """The workspace of that key, from its beginning."""
        return Workspace(self._buffers.setdefault(key, []), self._device)


class Workspace:
    """Buffers in the order in which they are taken; whoever comes next takes the same ones."""

    def __init__(self, buffers: list[Tensor], device: torch.device) -> None:
        self._buffers, self._taken, self._device = buffers, 0, device

    def buffer(self, *sizes: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """The next buffer of such sizes: zeros, unless somebody has been here before."""
        if self._taken == len(self._buffers):
            self._buffers.append(torch.zeros(sizes, dtype=dtype, device=self._device))
        found = self._buffers[self._taken]
        assert (found.shape, found.dtype) == (sizes, dtype)
        self._taken += 1
        return found
