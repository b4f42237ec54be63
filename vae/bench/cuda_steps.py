"""A step on CUDA: its kernels against the gaps between them, and against what must be moved."""

import torch
from torch.profiler import ProfilerActivity, profile

from vae.bench.contenders import BATCH, CONV, MLP, multiply_adds, training
from vae.bench.table import Row, Speeds
from vae.bench.timing import Work
from vae.core.config import ModelConfig
from vae.data.splits import Dataset
from vae.models.vae import VAE

STEPS = 200
SECONDS = 1.0
COPIED = 2**30
PASSES = 10
"""Times that a step must go over all weights: the forward and the backward pass read them, the
backward pass writes gradients, Adam reads four buffers and writes three."""


def measure_cuda_steps(speeds: Speeds, data: Dataset, where: str) -> None:
    """Kernel time as a share of a step's, and how near the mlp's step is to its floor."""
    device, steps = torch.device("cuda"), {}
    for config in (MLP, CONV):
        name, size = config.architecture, BATCH[config.architecture]
        contender = training(name, config, data, device)
        for _ in range(STEPS):
            contender.do()
        step = size / contender.rate(SECONDS)
        kernels = kernel_seconds(contender) * size
        speeds.rows += [
            Row(f"{name}: one step", where, 1e6 * step, "µs"),
            Row(f"{name}: of that in kernels", where, 100 * kernels / step, "%"),
        ]
        speeds.ratios[f"kernel_share_{name.replace('-', '_')}_cuda"] = kernels / step
        steps[name] = step
    floor = _floor(MLP, speeds, where)
    speeds.rows.append(Row("mlp: floor of a step, by bytes and products", where, 1e6 * floor, "µs"))
    speeds.ratios["floor_fraction_cuda"] = floor / steps["mlp"]


def kernel_seconds(contender: Work) -> float:
    """For one image, all kernels together."""
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        images = sum(contender.do() for _ in range(STEPS))
        contender.wait()
    microseconds = sum(event.self_device_time_total for event in recorded.key_averages())
    return microseconds / 1e6 / images


def _floor(config: ModelConfig, speeds: Speeds, where: str) -> float:
    """Seconds: the longer of moving the weights and multiplying, at this machine's own peaks."""
    numbers = sum(p.numel() for p in VAE(config).parameters())
    products = next(r for r in speeds.rows if r.unit == "GFLOP/s" and r.where == where)
    multiplying = 2 * multiply_adds(config) * BATCH[config.architecture] / (1e9 * products.value)
    return max(4 * PASSES * numbers / _bytes_per_second(), multiplying)


def _bytes_per_second() -> float:
    """Read and written, by a copy within the device."""
    source = torch.zeros(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)

    def copy() -> int:
        target.copy_(source)
        return 2 * COPIED

    return Work("copy", copy, torch.cuda.synchronize).rate(SECONDS)
