"""Processors and threads."""

import os
import sys
import threading

import pytest
import torch

from vae.device import pick_device, use_threads, yield_to_others
from vae.errors import ConfigError


@pytest.fixture(autouse=True)
def _same_threads_after():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_auto_takes_the_fastest_that_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"


def test_an_absent_device_is_named_with_those_that_are_there(monkeypatch):
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
def test_yielding_lowers_the_priority_of_the_calling_thread_alone():
    priorities = []

    def work():
        yield_to_others()
        priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert priorities == [10]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
