"""Which processor the work runs on, and with how many threads."""

import os
import sys
import threading
from typing import Literal

import torch

from vae.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def pick_device(name: DeviceName = "auto") -> torch.device:
    """The named device; `auto` takes CUDA, else MPS, else the CPU. ConfigError if it is absent."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, present in available.items() if present))
    if not available.get(name, False):
        present = ", ".join(kind for kind, there in available.items() if there)
        raise ConfigError(f"device {name!r} is not available here; choose auto or {present}")
    return torch.device(name)


def use_threads(count: int | None = None) -> int:
    """Let torch use `count` CPU threads, by default all cores but one; return the number."""
    chosen = count if count is not None else max(1, (os.cpu_count() or 1) - 1)
    if not 1 <= chosen <= 1024:
        raise ConfigError(f"threads must be a whole number from 1 to 1024, not {chosen}")
    torch.set_num_threads(chosen)
    return chosen


def yield_to_others() -> None:
    """Give the calling thread the cores only where nobody else wants them.

    Linux alone has a priority for each thread; elsewhere this changes nothing.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
