"""The device, its threads and its precision are set up correctly and restored."""

import os
import platform
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
import torch

from vae.core.device import (
    bfloat16_matmul,
    enable_onednn_matmul,
    lower_cpu_priority,
    pick_device,
    use_threads,
)
from vae.core.errors import ConfigError


@pytest.fixture(autouse=True)
def _restore_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def _restore_precision():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def product_error() -> float:
    signal, weight = torch.randn(2, 300, 300, generator=torch.Generator().manual_seed(1))
    exact = signal.double() @ weight.double()
    return float((signal @ weight - exact).norm() / exact.norm())


@pytest.mark.usefixtures("_restore_precision")
def test_products_keep_the_precision_of_float32_on_every_processor():
    used = enable_onednn_matmul(torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == ("medium" if used else "highest")
    assert product_error() < 2e-6


@pytest.mark.usefixtures("_restore_precision")
def test_the_setting_is_restored_if_onednn_rounds_products(monkeypatch):
    monkeypatch.setattr("vae.core.device.matmul_error", lambda: 2e-3)
    assert not enable_onednn_matmul(torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == "highest"
    monkeypatch.setattr("vae.core.device.matmul_error", lambda: 4e-7)
    assert enable_onednn_matmul(torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == "medium"


@pytest.mark.usefixtures("_restore_precision")
def test_other_devices_keep_their_own_setting(monkeypatch):
    monkeypatch.setattr("vae.core.device.matmul_error", lambda: 4e-7)
    assert not enable_onednn_matmul(torch.device("cuda"))
    assert torch.get_float32_matmul_precision() == "highest"


def test_auto_prefers_cuda_to_mps(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"


def test_an_absent_device_is_refused_with_a_list_of_the_present_ones(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="'cuda' is not available here; choose auto or cpu"):
        pick_device("cuda")


def test_one_core_is_left_free_by_default(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert use_threads() == torch.get_num_threads() == 2
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert use_threads() == 1


@pytest.mark.parametrize("count", [0, -1, 5000])
def test_absurd_thread_counts_are_refused(count):
    with pytest.raises(ConfigError, match="threads"):
        use_threads(count)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities only on Linux")
def test_only_the_calling_thread_gets_a_lower_priority():
    priorities = []

    def work():
        lower_cpu_priority()
        priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert priorities == [10]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


FAULTS = """
import ctypes, resource, sys
import torch
from vae.core.device import M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, keep_freed_memory
for threshold in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
    ctypes.CDLL(None).mallopt(threshold, 128 * 1024)  # as every process begins
keeps = sys.argv[1] == "keep" and keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(500):
    buffers = [torch.ones(100_000) for _ in range(5)]
    del buffers
print(keeps, faults() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept_for_the_next_buffer():
    """Five buffers of 98 pages, 500 times, cause page faults once only if memory is kept."""

    def count(how: str) -> tuple[str, int]:
        answer = subprocess.run(
            [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
        ).stdout.split()
        return answer[0], int(answer[1])

    assert count("keep")[0] == "True"
    assert count("keep")[1] < 5_000
    assert count("leave")[1] > 50_000


FADING = """
import torch
from vae.core.device import flush_denormals, use_threads
use_threads(2)
values = torch.full((4_000_000,), 1e-38)
with flush_denormals():
    halves = values * 0.5
kept = values * 0.5
print(int((halves.view(torch.int32) == 0).sum()), int((kept.view(torch.int32) != 0).sum()) > 0)
"""


def test_denormals_are_flushed_in_all_threads_and_only_inside_the_block():
    answer = subprocess.run(
        [sys.executable, "-c", FADING], capture_output=True, text=True, check=True
    ).stdout.split()
    assert answer == ["4000000", "True"]


@pytest.mark.usefixtures("_restore_precision")
def test_threads_that_start_together_restore_the_precision(monkeypatch):
    """All threads share the setting, so no thread may restore the trial value of another."""
    together = threading.Barrier(2, timeout=0.2)

    def slow_error() -> float:
        with suppress(threading.BrokenBarrierError):
            together.wait()
        return 2e-3

    monkeypatch.setattr("vae.core.device.matmul_error", slow_error)
    cpu = torch.device("cpu")
    threads = [threading.Thread(target=enable_onednn_matmul, args=(cpu,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.usefixtures("_restore_precision")
def test_bfloat16_ends_when_the_last_thread_leaves():
    first, second = bfloat16_matmul(), bfloat16_matmul()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.get_float32_matmul_precision() == "medium"
    second.__exit__(None, None, None)
    assert torch.get_float32_matmul_precision() == "highest"
