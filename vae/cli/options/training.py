"""The options of the commands that train: `vae train` and `vae sweep`."""

import argparse
from pathlib import Path

from vae.cli.options import types
from vae.cli.options.machine import AddCommand, add_machine_options
from vae.cli.options.settings import add_setting, add_settings_by_group


def add_training_commands(add: AddCommand) -> None:
    """Adds the commands that train one model, or many."""
    _add_train(add("train", "train one model into a checkpoint folder"))
    _add_sweep(add("sweep", "train one model per data set, beta and seed"))


def _add_train(parser: argparse.ArgumentParser) -> None:
    add_setting(parser, "dataset", required=True)
    _add_settings(parser)
    for name in ("seed", "beta", "beta_range"):
        add_setting(parser, name)
    parser.add_argument("--out", type=Path, help="the checkpoint's folder (default: a new one)")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    datasets = parser.add_mutually_exclusive_group(required=True)
    add_setting(datasets, "dataset")
    datasets.add_argument("--datasets", type=types.datasets, help="such as mnist,kmnist")
    _add_settings(parser)
    seeds = parser.add_mutually_exclusive_group()
    add_setting(seeds, "seed")
    seeds.add_argument("--seeds", type=types.seeds, help="such as 1,2,3: as many models per beta")
    parser.add_argument("--betas", type=types.betas, required=True, help="such as 1,2,4")
    parser.add_argument(
        "--out",
        required=True,
        help="the folder for the checkpoints; with --engine ray one that all machines share, or a "
        "URL such as s3://bucket/sweep",
    )
    _add_engine_options(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    groups = add_settings_by_group(parser)
    images, checkpoint = groups["the images"], groups["the checkpoint"]
    images.add_argument("--image-size", type=int, help="side of a folder's images (default 32)")
    checkpoint.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    checkpoint.add_argument("--resume", action="store_true", help="go on with what is unfinished")
    add_machine_options(parser)


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        default="local",
        choices=["local", "ray"],
        help="one run after the other here, or as many at once as machines have room for",
    )
    parser.add_argument(
        "--address", help="of a Ray cluster, or auto (default: a cluster of this machine alone)"
    )
    parser.add_argument(
        "--gpus",
        type=types.gpus,
        metavar="N",
        help="of each run on Ray; below 1 runs share one (default: 1 where there are any)",
    )
