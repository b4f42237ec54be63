"""The options of the commands that train: `vae train` and `vae sweep`."""

import argparse
from pathlib import Path
from typing import get_args

from vae.cli.options import types
from vae.cli.options.machine import AddCommand, add_machine_options
from vae.core.config import (
    KINDS,
    LOGVAR_LIMIT,
    Architecture,
    Likelihood,
    Objective,
    Precision,
    Schedule,
    Storage,
)


def add_training_commands(add: AddCommand) -> None:
    """The commands that train one model, or many."""
    _add_train(add("train", "train one model into a checkpoint folder"))
    _add_sweep(add("sweep", "train one model per data set, beta and seed"))


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True)
    _add_settings(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--beta", type=float, default=1.0, help="weight of the rate (default 1)")
    parser.add_argument(
        "--beta-range",
        type=types.beta_range,
        metavar="LOW,HIGH",
        help="train one model for all betas of a range, such as 0.1,10; it is reported at --beta",
    )
    parser.add_argument("--out", type=Path, help="the checkpoint's folder (default: a new one)")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    datasets = parser.add_mutually_exclusive_group(required=True)
    datasets.add_argument("--dataset")
    datasets.add_argument("--datasets", type=types.datasets, help="such as mnist,kmnist")
    _add_settings(parser)
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, default=0)
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
    _add_model_options(parser.add_argument_group("the model"))
    _add_likelihood_options(parser.add_argument_group("the likelihood"))
    _add_objective_options(parser.add_argument_group("the objective"))
    _add_step_options(parser.add_argument_group("the steps"))
    _add_image_options(parser.add_argument_group("the images"))
    _add_folder_options(parser.add_argument_group("the checkpoint"))
    add_machine_options(parser)


def _add_model_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", default="vae", choices=list(KINDS), help="the kind of model (default vae)"
    )
    group.add_argument("--arch", default="mlp", choices=get_args(Architecture))
    group.add_argument("--latent-dim", type=int, default=2)
    group.add_argument(
        "--levels",
        type=types.levels,
        metavar="TOP,…",
        help="of a ladder: dimensions of each level, such as 8,24 (default: a third above)",
    )
    group.add_argument("--codebook", type=int, help="of a vq: how many codes (default 64)")


def _add_likelihood_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--likelihood", default="bernoulli", choices=get_args(Likelihood))
    group.add_argument(
        "--pixel-scale",
        type=float,
        default=0.1,
        help="of the gaussian likelihoods (default 0.1); where it is learned, to begin with",
    )
    group.add_argument(
        "--logvar-limit",
        type=float,
        default=LOGVAR_LIMIT,
        help="where log-variances are clamped (default 10); 10000 is as good as nowhere",
    )


def _add_objective_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--objective",
        default="beta-vae",
        choices=get_args(Objective),
        help="what beta weighs: the whole rate, or its total correlation alone",
    )
    group.add_argument(
        "--warmup-epochs",
        type=float,
        help="over which beta rises from 0 (default: half of the epochs, but at most 2.5)",
    )
    group.add_argument("--free-bits", type=float, default=0.0, help="nats per dimension")
    group.add_argument(
        "--perceptual",
        type=float,
        default=0.0,
        help="nats for a distance of 1 in a classifier's features (default 0: none)",
    )
    group.add_argument(
        "--critic",
        default="",
        help="that classifier's checkpoint (default: the best one of the data set)",
    )


def _add_step_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=int, default=10)
    group.add_argument("--batch-size", type=int, default=128)
    group.add_argument("--learning-rate", type=float, default=2e-3)
    group.add_argument("--schedule", default="cosine", choices=get_args(Schedule))
    group.add_argument("--grad-clip", type=float, default=100.0)
    group.add_argument(
        "--precision",
        default="float32",
        choices=get_args(Precision),
        help="of the layers' arithmetic: bfloat16 is faster where the machine has it",
    )


def _add_image_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--validation-fraction", type=float, default=0.05)
    group.add_argument(
        "--corruption",
        type=float,
        default=0.0,
        help="noise on what the encoder sees in training: the model learns to undo it",
    )
    group.add_argument(
        "--labelled",
        type=int,
        default=0,
        metavar="N",
        help="labels that a semi-supervised model is told, drawn by the seed (default: all)",
    )
    group.add_argument("--image-size", type=int, help="side of a folder's images (default 32)")


def _add_folder_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--storage",
        default="float32",
        choices=get_args(Storage),
        help="of the weights on the disk: float16 halves the checkpoint",
    )
    group.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    group.add_argument("--resume", action="store_true", help="go on with what is unfinished")


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
