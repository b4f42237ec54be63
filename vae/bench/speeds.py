"""Runs all measurements of a machine in order.

Example:
    >>> speeds = measure_speeds(seconds=0.5, say=print)
    >>> speeds.ratios["mlp_ratio"]  # our speed relative to a plain loop, on one thread
"""

import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from vae.bench.contenders import dataset
from vae.bench.cuda_steps import measure_cuda_steps
from vae.bench.evaluation import measure_decoding, measure_evaluation
from vae.bench.table import Speeds
from vae.bench.training import TrainingBench, measure_beside_busy_process, on_cpu
from vae.core.device import disable_tf32_convolutions, enable_onednn_matmul, keep_freed_memory
from vae.data.splits import Dataset

CPU = torch.device("cpu")


def measure_speeds(seconds: float, say: Callable[[str], None]) -> Speeds:
    """Measure this machine, each contender for `seconds` in each of five rounds.

    The images are sprites of MNIST's size; speeds do not depend on the images. The number of
    torch's threads changes meanwhile and is restored. `say` receives a message before each part.
    """
    data, before = dataset(), (torch.get_num_threads(), torch.get_float32_matmul_precision())
    keep_freed_memory()
    speeds = Speeds(_machine(enable_onednn_matmul(CPU)))
    try:
        _measure_cpu(speeds, data, seconds, say)
    finally:
        torch.set_num_threads(before[0])
        # On CUDA this setting would allow TF32.
        torch.set_float32_matmul_precision(before[1])
    if torch.cuda.is_available():
        name, device = torch.cuda.get_device_name(), torch.device("cuda")
        disable_tf32_convolutions(device)
        say(f"training on {name}")
        bench = TrainingBench(speeds, data, seconds, device, name, "_cuda")
        bench.measure()
        bench.measure_compiled()
        measure_cuda_steps(speeds, data, name)
    return speeds


def _measure_cpu(speeds: Speeds, data: Dataset, seconds: float, say: Callable[[str], None]) -> None:
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        say(f"training on {on_cpu(threads)}")
        torch.set_num_threads(threads)
        suffix = "" if threads == 1 else "_all_cores"
        bench = TrainingBench(speeds, data, seconds, CPU, on_cpu(threads), suffix)
        bench.measure()
        if threads == 1:
            bench.measure_compiled()
    say("training beside a busy process")
    measure_beside_busy_process(speeds, data, seconds)
    say("evaluation and decoding")
    torch.set_num_threads(1)
    measure_evaluation(speeds, data, seconds, on_cpu(1))
    measure_decoding(speeds, seconds, on_cpu(1))


def _machine(uses_onednn: bool) -> str:
    """Return the processor, torch's version and matrix library, and the date."""
    library = "oneDNN" if uses_onednn else "torch's default library"
    date = datetime.now(UTC).date().isoformat()
    return (
        f"{_processor()}, {os.cpu_count()} cores; torch {torch.__version__}, float32 products by "
        f"{library}; {date}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
