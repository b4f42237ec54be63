"""Measures training: images per second of our steps, a plain loop, torch.compile and sweeps."""

import importlib.util
import os
import shutil
import statistics
from dataclasses import dataclass

import torch

from vae.bench.busy_process import BusyProcess
from vae.bench.contenders import (
    BATCH,
    CONV,
    MLP,
    compiled_autograd,
    multiply_adds,
    product,
    training,
)
from vae.bench.plain_program import PlainProgram
from vae.bench.table import Row, Speeds
from vae.bench.timing import ROUNDS, Contender, Rates, take_turns
from vae.core.config import ModelConfig
from vae.core.device import default_threads
from vae.data.splits import Dataset

SWEEPS = (5, 16)


@dataclass(frozen=True)
class TrainingBench:
    """Measures training on one device and adds the figures to `speeds`."""

    speeds: Speeds
    data: Dataset
    seconds: float
    """Seconds of each contender in each round."""

    device: torch.device
    where: str
    """The device and the number of threads, for the table."""

    suffix: str
    """The end of the names in `Speeds.ratios`."""

    def measure(self) -> None:
        """Measure both architectures and the sweeps."""
        self._measure_mlp()
        self._measure_conv()
        self._measure_sweeps()

    def measure_compiled(self) -> None:
        """Measure autograd steps with and without torch.compile, against the steps that we take.

        Without a compiler, add the reason to the skipped measurements.
        """
        reason = missing_compiler(self.device)
        if reason:
            self.speeds.skipped.append(f"torch.compile of the autograd step: {reason}")
            return
        ours, what = "mlp", "torch.compile of the autograd step"
        contenders = [
            training(ours, MLP, self.data, self.device),
            compiled_autograd("autograd", MLP, self.data, self.device, compiled=False),
            compiled_autograd(what, MLP, self.data, self.device),
        ]
        rates = take_turns(contenders, self.seconds)
        self._add_row("mlp: autograd step", rates, "autograd", ours, "ours")
        self._add_row(f"mlp: {what}", rates, what, ours, "ours")
        self.speeds.ratios[f"compiled_ratio{self.suffix}"] = rates.ratio(what, ours)

    def _measure_mlp(self) -> None:
        contenders = [*self._ours(MLP), product("product", self.device)]
        if self.device.type == "cuda":
            contenders.append(training("mlp, eager", MLP, self.data, self.device, graphed=False))
        rates = self._against_plain_loop(MLP, contenders)
        fraction = rates.ratio("mlp", "product") * 2 * multiply_adds(MLP)
        gigaflops, what = rates.median("product") / 1e9, "products of 1024 x 1024 float32"
        self.speeds.rows += [
            Row(what, self.where, gigaflops, "GFLOP/s"),
            Row("mlp: share of that in its own products", self.where, 100 * fraction, "%"),
        ]
        self.speeds.ratios[f"mlp_ratio{self.suffix}"] = rates.ratio("mlp", "plain")
        self.speeds.ratios[f"gemm_fraction{self.suffix}"] = fraction

    def _measure_conv(self) -> None:
        rates = self._against_plain_loop(CONV, self._ours(CONV))
        self.speeds.ratios[f"conv_ratio{self.suffix}"] = rates.ratio("conv-mlp", "plain")

    def _measure_sweeps(self) -> None:
        for count in SWEEPS:
            name = f"{count} betas"
            together = training(name, MLP, self.data, self.device, models=count)
            single = training("mlp", MLP, self.data, self.device)
            rates = take_turns([single, together], self.seconds)
            self._add_row(f"mlp: {name} together", rates, name, "mlp", "one model after the other")
            self.speeds.ratios[f"sweep_of_{count}_ratio{self.suffix}"] = rates.ratio(name, "mlp")
        ratios = self.speeds.ratios
        ratios[f"sweep_ratio{self.suffix}"] = ratios[f"sweep_of_{SWEEPS[0]}_ratio{self.suffix}"]

    def _ours(self, config: ModelConfig) -> list[Contender]:
        name = config.architecture
        half = f"{name} in bfloat16"
        return [
            training(name, config, self.data, self.device),
            training(half, config, self.data, self.device, precision="bfloat16"),
        ]

    def _against_plain_loop(self, config: ModelConfig, contenders: list[Contender]) -> Rates:
        """Let the plain loop and the contenders take turns; add a row for each."""
        name = config.architecture
        with PlainProgram("plain", name, self.device.type) as plain:
            rates = take_turns([plain, *contenders], self.seconds)
        what = f"{name}, batch {BATCH[name]}: a plain loop"
        self.speeds.rows.append(Row(what, self.where, rates.median("plain"), "images/s"))
        for contender, title in (
            (name, "ours"),
            (f"{name}, eager", "ours, without a graph"),
            (f"{name} in bfloat16", "ours, in bfloat16"),
        ):
            if contender in rates.rounds:
                self._add_row(f"{name}: {title}", rates, contender, "plain", "the plain loop")
        return rates

    def _add_row(self, what: str, rates: Rates, name: str, other: str, than: str) -> None:
        """Add a contender's images per second, and their ratio to another contender's."""
        ratio = rates.ratio(name, other)
        row = Row(what, self.where, rates.median(name), "images/s", ratio, than)
        self.speeds.rows.append(row)


def missing_compiler(device: torch.device) -> str:
    """Return why torch.compile cannot work on a device; an empty string if it can."""
    candidates = (os.environ.get("CXX"), "g++", "clang++")
    if not any(shutil.which(name) for name in candidates if name):
        return "there is no C++ compiler"
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    return ""


def measure_beside_busy_process(speeds: Speeds, data: Dataset, seconds: float) -> None:
    """Compare the default threads beside a busy process with one thread on a quiet machine."""
    contender = training("mlp", MLP, data, torch.device("cpu"))
    threads = default_threads()
    rates, shares = [], []
    with BusyProcess() as process:
        for _ in range(ROUNDS):
            process.pause()
            torch.set_num_threads(1)
            quiet = contender.rate(seconds)
            process.resume()
            torch.set_num_threads(threads)
            rates.append(contender.rate(seconds))
            shares.append(rates[-1] / quiet)
    share, where = statistics.median(shares), on_cpu(threads) + " (the default)"
    what, figure = "mlp: ours, beside a busy process", statistics.median(rates)
    speeds.rows.append(Row(what, where, figure, "images/s", share, "one quiet thread"))
    speeds.ratios["busy_neighbour_ratio"] = share


def on_cpu(threads: int) -> str:
    """Return the name of a place in the table, such as "CPU, 2 threads"."""
    return f"CPU, {threads} thread{'s' * (threads > 1)}"
