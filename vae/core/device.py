"""Which processor the work runs on, and with how many threads."""

import ctypes
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from vae.core.errors import ConfigError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's malloc.h."""

PARALLEL_NUMBERS = 1_000_000
"""More than torch leaves to one thread."""

KEPT_BYTES = 2**28
LARGEST_KEPT_BYTES = 2**25
"""Of one buffer: the most that glibc allows."""

FLOAT32_ERROR = 5e-6
"""Relative error of a product up to which it counts as one in float32; bfloat16 has 2e-3."""

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class _Products:
    """torch's setting of float32 products is one for all threads: who changes it has the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        """Threads that want bfloat16 at the moment."""

        self.before = "highest"


_products = _Products()


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
    chosen = count if count is not None else default_threads()
    if not 1 <= chosen <= 1024:
        raise ConfigError(f"threads must be a whole number from 1 to 1024, not {chosen}")
    torch.set_num_threads(chosen)
    with flush_denormals():
        # torch's other threads start here, and take over the setting for good.
        torch.ones(PARALLEL_NUMBERS).add_(1)
    return chosen


def prepare_device(name: DeviceName, threads: int | None = None) -> torch.device:
    """The named device with torch set up for it: threads, memory, products in float32."""
    device = pick_device(name)
    use_threads(threads)
    keep_freed_memory()
    enable_onednn_matmul(device)
    disable_tf32_convolutions(device)
    return device


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Let this thread take numbers below 1.2e-38 for zero, for a while.

    Pixels that are black in every image have gradients that fall that low: after an epoch of MNIST
    half of Adam's first moments have, and arithmetic on them is so slow that training takes twice
    the time.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed for the next request; whether this one can be told so.

    Else it returns buffers of some hundred kilobytes to the system at every step, and the system
    clears each page of them anew, which can take as long as the arithmetic. For the rest of the
    process; costs at most KEPT_BYTES.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    told = library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
    return bool(told and library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))


def default_threads() -> int:
    """All cores but one: with threads on all of them, each waits for the one that is disturbed."""
    return max(1, (os.cpu_count() or 1) - 1)


def enable_onednn_matmul(device: torch.device) -> bool:
    """Let oneDNN multiply float32 matrices on the CPU where it keeps float32; whether it does.

    torch hands it matrices only where it may use bfloat16. Many processors have no unit for that
    and multiply in float32 all the same, on AMD's half as fast again as torch's other library.
    Those that do (Intel's AMX) lose five digits: there everything stays as it was, and on other
    devices too, where the same setting means other things.
    """
    if device.type != "cpu":
        return False
    with _products.lock:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("medium")
        keeps = _product_error() < FLOAT32_ERROR
        if not keeps:
            torch.set_float32_matmul_precision(before)
    return keeps


def disable_tf32_convolutions(device: torch.device) -> None:
    """Let cuDNN's convolutions keep float32; by default they take TF32, which has three digits."""
    if device.type == "cuda":
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]


@contextmanager
def bfloat16_matmul() -> Iterator[None]:
    """Let float32 matrices be multiplied in bfloat16 for a while, where the CPU has units for it.

    Sums stay in float32. With Intel's AMX products take less than half the time; elsewhere they may
    be multiplied in float32 all the same.
    """
    with _products.lock:
        if _products.inside == 0:
            _products.before = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("medium")
        _products.inside += 1
    try:
        yield
    finally:
        with _products.lock:
            _products.inside -= 1
            if _products.inside == 0:
                torch.set_float32_matmul_precision(_products.before)


def _product_error() -> float:
    """Of a layer's product against float64, relative, by the Frobenius norm."""
    generator = torch.Generator().manual_seed(0)
    signal, weight = (torch.randn(n, 784, generator=generator) for n in (128, 400))
    exact = signal.double() @ weight.double().T
    return float((signal @ weight.T - exact).norm() / exact.norm())


def lower_cpu_priority() -> None:
    """Give the calling thread the cores only where nobody else wants them.

    Linux alone has a priority for each thread; elsewhere this changes nothing.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
