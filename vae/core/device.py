"""Chooses the processor that torch computes on, and sets up its threads, memory and precision.

Example:
    >>> device = prepare_device("cpu", threads=2)
    >>> with flush_denormals():
    ...     torch.ones(3, device=device).sum()
    tensor(3.)
"""

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
"""Option numbers of `mallopt`, from glibc's malloc.h."""

PARALLEL_NUMBERS = 1_000_000
"""A size of tensor that torch divides among all its threads."""

KEPT_BYTES = 2**28
"""Freed memory that the C library keeps, at most."""

LARGEST_KEPT_BYTES = 2**25
"""Largest buffer that the C library keeps after it is freed; glibc allows no more."""

FLOAT32_ERROR = 5e-6
"""Largest relative error of a product in float32; a product in bfloat16 has 2e-3."""

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class _MatmulPrecision:
    """Guards torch's precision of float32 products, a setting that all threads share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.bfloat16_users = 0
        """Number of threads that are inside `bfloat16_matmul`."""

        self.before = "highest"
        """The setting to restore when the last of them leaves."""


_matmul_precision = _MatmulPrecision()


def pick_device(name: DeviceName = "auto") -> torch.device:
    """Return the named device; `auto` prefers CUDA, then MPS, then the CPU.

    Raises ConfigError if the machine lacks the device.
    """
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
    """Let torch use `count` CPU threads, by default one fewer than the cores; return the number."""
    chosen = count if count is not None else default_threads()
    if not 1 <= chosen <= 1024:
        raise ConfigError(f"threads must be a whole number from 1 to 1024, not {chosen}")
    torch.set_num_threads(chosen)
    with flush_denormals():
        # torch's other threads start here and keep this setting, because it is inherited.
        torch.ones(PARALLEL_NUMBERS).add_(1)
    return chosen


def prepare_device(name: DeviceName, threads: int | None = None) -> torch.device:
    """Return the named device, after setting up torch's threads, memory and precision for it."""
    device = pick_device(name)
    use_threads(threads)
    keep_freed_memory()
    enable_onednn_matmul(device)
    disable_tf32_convolutions(device)
    return device


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Treat numbers below 1.2e-38 as zero in this thread, until the block ends.

    The gradients of pixels that are black in every image become that small. After an epoch of MNIST
    half of Adam's first moments have. Arithmetic on such numbers is so slow that training takes
    twice the time.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for the next request; return whether it supports that.

    By default glibc returns buffers of some hundred kilobytes to the system at every step. The
    system then clears each of their pages again, which can take as long as the arithmetic. The
    setting lasts as long as the process, and costs at most KEPT_BYTES of memory.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    succeeded = library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
    return bool(succeeded and library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))


def default_threads() -> int:
    """Return the number of cores minus one.

    With a thread on every core, all threads wait whenever another program delays one of them.
    """
    return max(1, (os.cpu_count() or 1) - 1)


def enable_onednn_matmul(device: torch.device) -> bool:
    """Let oneDNN multiply float32 matrices if it keeps their precision; return whether it does.

    torch uses oneDNN only if it allows bfloat16. Many processors have no unit for bfloat16, so
    oneDNN multiplies in float32 there. On AMD's processors it is half as fast again as torch's
    other library. Processors with such a unit (Intel's AMX) would lose five digits, so they keep
    the old setting. Devices other than the CPU keep it too, because it means other things there.
    """
    if device.type != "cpu":
        return False
    with _matmul_precision.lock:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("medium")
        keeps_float32 = matmul_error() < FLOAT32_ERROR
        if not keeps_float32:
            torch.set_float32_matmul_precision(before)
    return keeps_float32


def disable_tf32_convolutions(device: torch.device) -> None:
    """Let cuDNN's convolutions compute in float32; by default they use TF32, with three digits."""
    if device.type == "cuda":
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]


@contextmanager
def bfloat16_matmul() -> Iterator[None]:
    """Allow torch to multiply float32 matrices in bfloat16, until the block ends.

    Sums stay in float32. With Intel's AMX products take less than half the time. Processors without
    a unit for bfloat16 may still multiply in float32.
    """
    with _matmul_precision.lock:
        if _matmul_precision.bfloat16_users == 0:
            _matmul_precision.before = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("medium")
        _matmul_precision.bfloat16_users += 1
    try:
        yield
    finally:
        with _matmul_precision.lock:
            _matmul_precision.bfloat16_users -= 1
            if _matmul_precision.bfloat16_users == 0:
                torch.set_float32_matmul_precision(_matmul_precision.before)


def matmul_error() -> float:
    """Return the relative error of a layer's product, in the Frobenius norm, against float64."""
    generator = torch.Generator().manual_seed(0)
    inputs, weight = (torch.randn(n, 784, generator=generator) for n in (128, 400))
    exact = inputs.double() @ weight.double().T
    return float((inputs @ weight.T - exact).norm() / exact.norm())


def lower_cpu_priority() -> None:
    """Let the calling thread give way to all others, so that it uses cores that would be idle.

    This has an effect on Linux only, which alone has a priority for each thread.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
