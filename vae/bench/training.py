"""Training steps per second: ours, the plain loop's, several betas together."""

import statistics

import torch

from vae.bench.contenders import BATCH, CONV, MLP, multiply_adds, product, training
from vae.bench.neighbour import BusyNeighbour
from vae.bench.plain_program import PlainProgram
from vae.bench.table import Row, Speeds
from vae.bench.timing import ROUNDS, Contender, Rates, take_turns
from vae.core.config import ModelConfig
from vae.core.device import default_threads
from vae.data.splits import Dataset

SWEEPS = (5, 16)
PLAIN, ALONE = "the plain loop", "one model after the other"


def measure_training(
    speeds: Speeds, data: Dataset, seconds: float, device: torch.device, where: str, suffix: str
) -> None:
    """All contenders on one device; the watched ratios get the suffix."""
    _measure_mlp(speeds, data, seconds, device, where, suffix)
    _measure_conv(speeds, data, seconds, device, where, suffix)
    _measure_sweeps(speeds, data, seconds, device, where, suffix)


def _measure_mlp(
    speeds: Speeds, data: Dataset, seconds: float, device: torch.device, where: str, suffix: str
) -> None:
    contenders = [*_ours(MLP, data, device), product("product", device)]
    if device.type == "cuda":
        contenders.append(training("mlp, eager", MLP, data, device, graphed=False))
    with PlainProgram("plain mlp", "mlp", device.type) as plain:
        rates = take_turns([plain, *contenders], seconds)
    speeds.rows += _rows(MLP, rates, where)
    fraction = rates.ratio("mlp", "product") * 2 * multiply_adds(MLP)
    speeds.rows += [
        Row("products of 1024 x 1024 float32", where, rates.median("product") / 1e9, "GFLOP/s"),
        Row("mlp: share of that in its own products", where, 100 * fraction, "%"),
    ]
    speeds.ratios[f"mlp_ratio{suffix}"] = rates.ratio("mlp", "plain mlp")
    speeds.ratios[f"gemm_fraction{suffix}"] = fraction


def _measure_conv(
    speeds: Speeds, data: Dataset, seconds: float, device: torch.device, where: str, suffix: str
) -> None:
    with PlainProgram("plain conv-mlp", "conv-mlp", device.type) as plain:
        rates = take_turns([plain, *_ours(CONV, data, device)], seconds)
    speeds.rows += _rows(CONV, rates, where)
    speeds.ratios[f"conv_ratio{suffix}"] = rates.ratio("conv-mlp", "plain conv-mlp")


def _measure_sweeps(
    speeds: Speeds, data: Dataset, seconds: float, device: torch.device, where: str, suffix: str
) -> None:
    for count in SWEEPS:
        name = f"{count} betas"
        together = training(name, MLP, data, device, models=count)
        rates = take_turns([training("mlp", MLP, data, device), together], seconds)
        ratio, what = rates.ratio(name, "mlp"), f"mlp: {name} together"
        speeds.rows.append(Row(what, where, rates.median(name), "images/s", ratio, ALONE))
        speeds.ratios[f"sweep_of_{count}_ratio{suffix}"] = ratio
    speeds.ratios[f"sweep_ratio{suffix}"] = speeds.ratios[f"sweep_of_{SWEEPS[0]}_ratio{suffix}"]


def measure_beside_another(speeds: Speeds, data: Dataset, seconds: float) -> None:
    """The default threads beside a process that never rests, against one thread without it."""
    contender = training("mlp", MLP, data, torch.device("cpu"))
    threads = default_threads()
    busy, shares = [], []
    with BusyNeighbour() as neighbour:
        for _ in range(ROUNDS):
            neighbour.rest()
            torch.set_num_threads(1)
            quiet = contender.rate(seconds)
            neighbour.work()
            torch.set_num_threads(threads)
            busy.append(contender.rate(seconds))
            shares.append(busy[-1] / quiet)
    share, where = statistics.median(shares), on_cpu(threads) + " (the default)"
    what, figure = "mlp: ours, beside a busy process", statistics.median(busy)
    speeds.rows.append(Row(what, where, figure, "images/s", share, "one quiet thread"))
    speeds.ratios["busy_neighbour_ratio"] = share


def on_cpu(threads: int) -> str:
    """Such as "CPU, 2 threads"."""
    return f"CPU, {threads} thread{'s' * (threads > 1)}"


def _ours(config: ModelConfig, data: Dataset, device: torch.device) -> list[Contender]:
    name = config.architecture
    return [
        training(name, config, data, device),
        training(f"{name} in bfloat16", config, data, device, precision="bfloat16"),
    ]


def _rows(config: ModelConfig, rates: Rates, where: str) -> list[Row]:
    name = config.architecture
    plain = f"plain {name}"
    what = f"{name}, batch {BATCH[name]}: a plain loop"
    rows = [Row(what, where, rates.median(plain), "images/s")]
    for ours, title in (
        (name, "ours"),
        (f"{name}, eager", "ours, without a graph"),
        (f"{name} in bfloat16", "ours, in bfloat16"),
    ):
        if ours in rates.rounds:
            speed, ratio = rates.median(ours), rates.ratio(ours, plain)
            rows.append(Row(f"{name}: {title}", where, speed, "images/s", ratio, PLAIN))
    return rows
