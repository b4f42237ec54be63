"""Operations recorded once and played at every step: to the CPU what a CUDA graph is to a GPU."""

from collections.abc import Callable
from functools import partial
from typing import Any


class OpList:
    """Calls with all their arguments, which are buffers that stay where they are.

    Between two matrix products the processor has forgotten the code in front of it, Python's too,
    and there is the less of that to fetch again the less a step looks up and works out anew.
    """

    def __init__(self) -> None:
        self._calls: list[Callable[[], Any]] = []

    def add(self, call: Callable, *arguments: Any, **options: Any) -> None:
        """Add a call behind the others; nothing is done yet."""
        self._calls.append(partial(call, *arguments, **options) if arguments or options else call)

    def run(self) -> None:
        """Do all of it."""
        for call in self._calls:
            call()
