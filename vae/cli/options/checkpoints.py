"""The options of the commands that look at what was trained, and at the machine."""

import argparse
from pathlib import Path

from vae.cli.options import types
from vae.cli.options.machine import AddCommand, add_beta_choice, add_machine_options


def add_checkpoint_commands(add: AddCommand) -> None:
    """The commands that measure, list and export checkpoints."""
    _add_evaluate(add("evaluate", "measure a checkpoint on its test split"))
    _add_metrics(add("metrics", "how well codes tell factors apart, or labels"))
    _add_listing(add("list", "the checkpoints there are"))
    _add_bench(add("bench", "measure how fast this machine trains and evaluates"))
    _add_export(add("export", "write a model for other programs"))


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument(
        "--importance-samples",
        type=types.positive,
        default=100,
        metavar="K",
        help="samples per image of the log-likelihood (default 100)",
    )
    parser.add_argument("--seed", type=types.seed, default=0, help="of the posterior samples")
    add_beta_choice(parser)
    add_machine_options(parser)


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        metavar="CHECKPOINT|CODES.npz",
        help="a folder, or the arrays codes and factors (and test_codes and test_factors)",
    )
    _add_metrics_options(parser)


def _add_listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="as checkpoints/README.md")
    parser.add_argument("--checkpoints", type=Path, help="the folder that holds them")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=types.seconds,
        default=0.5,
        help="for each contender in each of five rounds (default 0.5: some three minutes)",
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--format", choices=["onnx"], default="onnx")
    parser.add_argument("--part", choices=["decoder", "encoder"], default="decoder")
    add_beta_choice(parser)
    parser.add_argument(
        "--label", type=int, help="of a conditional model, the class, counted from 0"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")


def _add_metrics_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--estimator",
        choices=["gradient-boosting", "random-forest"],
        default="gradient-boosting",
        help="of DCI; the forest is the fast approximation",
    )
    parser.add_argument(
        "--seed", type=types.seed, default=0, help="of the split and the estimators"
    )
    parser.add_argument(
        "--rows",
        type=types.positive,
        metavar="N",
        help="rows to fit on, drawn by the seed (default: 5000 of a checkpoint, all of a file)",
    )
    parser.add_argument(
        "--save", action="store_true", help="keep the scores in the checkpoint's folder"
    )
