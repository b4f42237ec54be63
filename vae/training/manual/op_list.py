"""Operations that are recorded once and run at every step, like a CUDA graph for the CPU.

Example:
    >>> ops, buffer = OpList(), torch.ones(2)
    >>> ops.add(torch.mul, buffer, 3.0, out=buffer)
    >>> ops.run()
"""

from collections.abc import Callable
from functools import partial
from typing import Any


class OpList:
    """A list of calls with their arguments, which are buffers that never move.

    A large matrix product evicts the interpreter's code from the cache. Recording calls once keeps
    the Python work between products small.
    """

    def __init__(self) -> None:
        self._calls: list[Callable[[], Any]] = []

    def add(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Append a call, without running it."""
        self._calls.append(partial(call, *arguments, **options) if arguments or options else call)

    def run(self) -> None:
        """Run all calls in order."""
        for call in self._calls:
            call()
