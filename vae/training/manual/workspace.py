"""Buffers that steps reuse; models that train in turns share them, so they stay in the cache.

A buffer may hold an earlier step's values. A reader relies only on the values that every step
writes alike: the column of ones that follows an activation, and the zeros that follow the ones.

Example:
    >>> pool = WorkspacePool(torch.device("cpu"))
    >>> first, second = pool.get(64).buffer(2, 3), pool.get(64).buffer(2, 3)
    >>> first is second
    True
"""

from collections.abc import Hashable

import torch
from torch import Tensor


class WorkspacePool:
    """One workspace for each batch size, or for any other key that separates steps by shape."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: dict[Hashable, list[Tensor]] = {}

    def get(self, key: Hashable) -> "Workspace":
        """Return the workspace of a key, starting at its first buffer."""
        return Workspace(self._buffers.setdefault(key, []), self._device)


class Workspace:
    """A sequence of buffers; each user of one key requests the same sequence and gets the same."""

    def __init__(self, buffers: list[Tensor], device: torch.device) -> None:
        self._buffers, self._next, self._device = buffers, 0, device

    def buffer(self, *sizes: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the next buffer, of these sizes; it holds zeros at its first use."""
        if self._next == len(self._buffers):
            self._buffers.append(torch.zeros(sizes, dtype=dtype, device=self._device))
        found = self._buffers[self._next]
        assert (found.shape, found.dtype) == (sizes, dtype)
        self._next += 1
        return found
