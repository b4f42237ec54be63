"""A training step on CUDA: the time in kernels, the gaps between them, and the lower bound."""

import torch
from torch.profiler import ProfilerActivity, profile

from vae.bench.contenders import BATCH, CONV, MLP, multiply_adds, training
from vae.bench.table import Row, Speeds
from vae.bench.timing import Work
from vae.core.config import ModelConfig
from vae.data.splits import Dataset
from vae.models.vae import VAE

CALLS = 200
SECONDS = 1.0
COPIED_BYTES = 2**30
PASSES = 10
"""Times that a step must go over all weights: the forward and the backward pass read them, the
backward pass writes gradients, Adam reads four buffers and writes three."""


def measure_cuda_steps(speeds: Speeds, data: Dataset, where: str) -> None:
    """Measure the kernels' share of a step's time, and the mlp's step against its lower bound."""
    device, seconds_per_step = torch.device("cuda"), {}
    for config in (MLP, CONV):
        name, size = config.architecture, BATCH[config.architecture]
        contender = training(name, config, data, device)
        seconds = size / contender.rate(SECONDS)
        kernels = kernel_seconds(contender) * size
        speeds.rows += [
            Row(f"{name}: one step", where, 1e6 * seconds, "µs"),
            Row(f"{name}: of that in kernels", where, 100 * kernels / seconds, "%"),
        ]
        speeds.ratios[f"kernel_share_{name.replace('-', '_')}_cuda"] = kernels / seconds
        seconds_per_step[name] = seconds
    floor = _floor(MLP, speeds, where)
    speeds.rows.append(Row("mlp: floor of a step, by bytes and products", where, 1e6 * floor, "µs"))
    speeds.ratios["floor_fraction_cuda"] = floor / seconds_per_step["mlp"]


def kernel_seconds(contender: Work) -> float:
    """Return the seconds in kernels per image."""
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        for _ in range(CALLS):
            contender.do()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    microseconds = sum(event.self_device_time_total for event in recorded.key_averages())
    return microseconds / 1e6 / (CALLS * contender.count)


def _floor(config: ModelConfig, speeds: Speeds, where: str) -> float:
    """Return the least seconds of a step: those to move the weights, or those to multiply.

    Both follow from this machine's own peak speeds; the longer of them counts.
    """
    numbers = sum(p.numel() for p in VAE(config).parameters())
    products = next(r for r in speeds.rows if r.unit == "GFLOP/s" and r.where == where)
    multiplying = 2 * multiply_adds(config) * BATCH[config.architecture] / (1e9 * products.value)
    return max(4 * PASSES * numbers / _bytes_per_second(), multiplying)


def _bytes_per_second() -> float:
    """Return the bytes that a copy within the device reads and writes per second."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return Work("copy", lambda: target.copy_(source), 2 * COPIED_BYTES).rate(SECONDS)
