"""The benchmark's kernel time on CUDA, from a profile that a test without a GPU can make up."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from vae.bench import cuda_steps
from vae.bench.timing import Work


class Recorded:
    """Replaces a profile: it holds kernels of 300 µs for each image that was trained on."""

    def __init__(self, images: list[int]) -> None:
        self._images = images

    def key_averages(self) -> list[SimpleNamespace]:
        each = [100.0 * sum(self._images), 200.0 * sum(self._images)]
        return [SimpleNamespace(self_device_time_total=time) for time in each]


def test_kernels_are_counted_for_each_image_however_many_a_call_takes(monkeypatch):
    images: list[int] = []

    profiled = nullcontext(Recorded(images))
    monkeypatch.setattr(cuda_steps, "profile", lambda activities: profiled)
    assert cuda_steps.kernel_seconds(
        Work("ours", lambda: images.append(640), 640)
    ) == pytest.approx(300e-6)
