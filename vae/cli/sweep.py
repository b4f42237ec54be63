"""`vae sweep`: trains one model per data set, beta and seed, in this process or on Ray.

Example:
    $ vae sweep --dataset digits --betas 1,4 --seeds 1,2 --out sweeps/first
"""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from vae.cli.command import command
from vae.cli.options import add_setting, betas, datasets, gpus, seeds, training_settings
from vae.cli.output import CommandResult, lines

if TYPE_CHECKING:
    from vae.jobs.distributed.sweep_runs import SweepRun


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae sweep`."""
    dataset_choice = parser.add_mutually_exclusive_group(required=True)
    add_setting(dataset_choice, "dataset")
    dataset_choice.add_argument(
        "--datasets", type=datasets, help="several data sets, such as mnist,kmnist"
    )
    training_settings(parser)
    seed_choice = parser.add_mutually_exclusive_group()
    add_setting(seed_choice, "seed")
    seed_choice.add_argument(
        "--seeds", type=seeds, help="several seeds, such as 1,2,3: one model per seed and beta"
    )
    parser.add_argument("--betas", type=betas, required=True, help="such as 1,2,4")
    parser.add_argument(
        "--out",
        required=True,
        help="folder of the checkpoints; with --engine ray a folder that all machines share, or a "
        "URL such as s3://bucket/sweep",
    )
    _add_engine_options(parser)


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        default="local",
        choices=["local", "ray"],
        help="train in this process, or on the machines of a Ray cluster",
    )
    parser.add_argument(
        "--address",
        help="address of a Ray cluster, or auto (default: a cluster of this machine alone)",
    )
    parser.add_argument(
        "--gpus",
        type=gpus,
        metavar="N",
        help="GPUs of each run on Ray; below 1 runs share a GPU (default: 1 if there are GPUs)",
    )


@command("sweep", "train one model per data set, beta and seed", [add_options])
def sweep(options: argparse.Namespace) -> CommandResult:
    """Train all models of a sweep."""
    from vae.cli.sweep_local import sweep_local
    from vae.cli.sweep_ray import sweep_on_ray

    runs = _runs(options)
    engine = sweep_on_ray if options.engine == "ray" else sweep_local
    records = engine(options, runs)
    return CommandResult({"runs": records}, "\n\n".join(lines(record) for record in records))


def _runs(options: argparse.Namespace) -> "list[SweepRun]":
    from vae.cli.settings import model_config, train_config
    from vae.data.registry import check_dataset_name
    from vae.jobs.distributed.sweep_runs import sweep_runs

    names = options.datasets or [options.dataset]
    for name in names:
        check_dataset_name(name)
    configs = [
        train_config(options, beta, seed, name)
        for name in names
        for beta in options.betas
        for seed in options.seeds or [options.seed]
    ]
    return sweep_runs(configs, partial(model_config, options))
