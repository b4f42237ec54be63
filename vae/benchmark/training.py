"""Training steps per second: ours, the plain loop's, several betas together."""

import statistics
from contextlib import ExitStack

import torch

from vae.benchmark.contenders import BATCH, CONV, MLP, multiply_adds, product, training
from vae.benchmark.neighbour import BusyNeighbour
from vae.benchmark.plain_program import PlainProgram
from vae.benchmark.table import Row, Speeds
from vae.benchmark.timing import ROUNDS, Contender, Rates, take_turns
from vae.data import Dataset
from vae.device import default_threads

SWEEPS = (5, 16)
PLAIN, ALONE = "the plain loop", "one model after the other"


def measure_training(
    speeds: Speeds, data: Dataset, seconds: float, device: torch.device, where: str, suffix: str
) -> None:
    """All contenders on one device; the watched ratios get the suffix."""
    with ExitStack() as programs:
        plain = [
            programs.enter_context(PlainProgram(f"plain {name}", name, device.type))
            for name in ("mlp", "conv-mlp")
        ]
        rates = take_turns([*plain, *_contenders(data, device)], seconds)
    speeds.rows += _rows(rates, where)
    fraction = rates.ratio("mlp", "product") * 2 * multiply_adds(MLP)
    speeds.rows += [
        Row("products of 1024 x 1024 float32", where, rates.median("product") / 1e9, "GFLOP/s"),
        Row("mlp: share of that in its own products", where, 100 * fraction, "%"),
    ]
    speeds.ratios |= {
        f"mlp_ratio{suffix}": rates.ratio("mlp", "plain mlp"),
        f"conv_ratio{suffix}": rates.ratio("conv-mlp", "plain conv-mlp"),
        f"sweep_ratio{suffix}": rates.ratio(f"{SWEEPS[0]} betas", "mlp"),
        f"gemm_fraction{suffix}": fraction,
    }


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


def _contenders(data: Dataset, device: torch.device) -> list[Contender]:
    contenders: list[Contender] = [product("product", device)]
    for config in (MLP, CONV):
        name = config.architecture
        contenders += [
            training(name, config, data, device),
            training(f"{name} in bfloat16", config, data, device, precision="bfloat16"),
        ]
    contenders += [training(f"{count} betas", MLP, data, device, models=count) for count in SWEEPS]
    if device.type == "cuda":
        contenders.append(training("mlp, eager", MLP, data, device, graphed=False))
    return contenders


def _rows(rates: Rates, where: str) -> list[Row]:
    told = []
    for config in (MLP, CONV):
        name = config.architecture
        told += [
            (f"plain {name}", f"{name}, batch {BATCH[name]}: a plain loop", "", ""),
            (name, f"{name}: ours", f"plain {name}", PLAIN),
            (f"{name}, eager", f"{name}: ours, without a graph", f"plain {name}", PLAIN),
            (f"{name} in bfloat16", f"{name}: ours, in bfloat16", f"plain {name}", PLAIN),
        ]
    told += [(f"{n} betas", f"mlp: {n} betas in one pass", "mlp", ALONE) for n in SWEEPS]
    return [
        Row(
            what,
            where,
            rates.median(name),
            "images/s",
            rates.ratio(name, than) if than else None,
            title,
        )
        for name, what, than, title in told
        if name in rates.rounds
    ]
