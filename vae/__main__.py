"""The command line: `vae …` or `python -m vae …`.

With --json the last line on standard output is one JSON object; everything else goes to standard
error. Bad input is one line on standard error and exit status 2.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, get_args

from vae import option_types as types
from vae.config import (
    KINDS,
    LOGVAR_LIMIT,
    Architecture,
    Likelihood,
    Objective,
    Precision,
    Schedule,
    Storage,
)
from vae.errors import VaeError
from vae.study_options import add_study_commands

EPILOG = (
    "Data sets: digits, mnist, fashion-mnist, kmnist, cifar10, sprites[:OPTIONS], folder:PATH; "
    "some classes of one as in mnist:only=3 or mnist:without=3+5."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        options = _parser().parse_args(arguments)
        # Late, so that --help and a mistyped option answer without loading torch.
        from vae import commands

        outcome = commands.run(options)
    except VaeError as error:
        print(f"vae: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vae: stopped", file=sys.stderr)
        return 130
    print(json.dumps(outcome.record) if options.json else outcome.text)
    return 0


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="vae", description="Train and look into VAEs.", epilog=EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = _command(commands, "train", "train one model into a checkpoint folder")
    train.add_argument("--dataset", required=True)
    _add_training_options(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--beta", type=float, default=1.0, help="weight of the rate (default 1)")
    train.add_argument(
        "--beta-range",
        type=types.beta_range,
        metavar="LOW,HIGH",
        help="train one model for all betas of a range, such as 0.1,10; it is reported at --beta",
    )
    train.add_argument("--out", type=Path, help="the checkpoint's folder (default: a new one)")

    sweep = _command(commands, "sweep", "train one model per data set, beta and seed")
    datasets = sweep.add_mutually_exclusive_group(required=True)
    datasets.add_argument("--dataset")
    datasets.add_argument("--datasets", type=types.datasets, help="such as mnist,kmnist")
    _add_training_options(sweep)
    seeds = sweep.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, default=0)
    seeds.add_argument("--seeds", type=types.seeds, help="such as 1,2,3: as many models per beta")
    sweep.add_argument("--betas", type=types.betas, required=True, help="such as 1,2,4")
    sweep.add_argument(
        "--out",
        required=True,
        help="the folder for the checkpoints; with --engine ray one that all machines share, or a "
        "URL such as s3://bucket/sweep",
    )
    _add_engine_options(sweep)

    evaluate = _command(commands, "evaluate", "measure a checkpoint on its test split")
    evaluate.add_argument("checkpoint", type=Path)
    evaluate.add_argument(
        "--importance-samples",
        type=types.positive,
        default=100,
        metavar="K",
        help="samples per image of the log-likelihood (default 100)",
    )
    evaluate.add_argument("--seed", type=types.seed, default=0, help="of the posterior samples")
    _add_beta_choice(evaluate)
    _add_machine_options(evaluate)

    metrics = _command(commands, "metrics", "how well codes tell factors apart, or labels")
    metrics.add_argument(
        "source",
        type=Path,
        metavar="CHECKPOINT|CODES.npz",
        help="a folder, or the arrays codes and factors (and test_codes and test_factors)",
    )
    _add_metrics_options(metrics)

    listing = _command(commands, "list", "the checkpoints there are")
    listing.add_argument("--markdown", action="store_true", help="as checkpoints/README.md")
    listing.add_argument("--checkpoints", type=Path, help="the folder that holds them")

    bench = _command(commands, "bench", "measure how fast this machine trains and evaluates")
    bench.add_argument(
        "--seconds",
        type=types.seconds,
        default=0.5,
        help="for each contender in each of five rounds (default 0.5: some three minutes)",
    )

    export = _command(commands, "export", "write a model for other programs")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("--format", choices=["onnx"], default="onnx")
    export.add_argument("--part", choices=["decoder", "encoder"], default="decoder")
    _add_beta_choice(export)
    export.add_argument(
        "--label", type=int, help="of a conditional model, the class, counted from 0"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE")

    add_study_commands(partial(_command, commands))
    return parser


def _command(commands: Any, name: str, help_text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=help_text, description=help_text, epilog=EPILOG, allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="vae", choices=list(KINDS), help="the kind of model (default vae)"
    )
    parser.add_argument("--arch", default="mlp", choices=get_args(Architecture))
    parser.add_argument("--latent-dim", type=int, default=2)
    parser.add_argument(
        "--levels",
        type=types.levels,
        metavar="TOP,…",
        help="of a ladder: dimensions of each level, such as 8,24 (default: a third above)",
    )
    parser.add_argument("--codebook", type=int, help="of a vq: how many codes (default 64)")
    parser.add_argument("--likelihood", default="bernoulli", choices=get_args(Likelihood))
    parser.add_argument(
        "--pixel-scale",
        type=float,
        default=0.1,
        help="of the gaussian likelihoods (default 0.1); where it is learned, to begin with",
    )
    parser.add_argument(
        "--logvar-limit",
        type=float,
        default=LOGVAR_LIMIT,
        help="where log-variances are clamped (default 10); 10000 is as good as nowhere",
    )
    parser.add_argument(
        "--objective",
        default="beta-vae",
        choices=get_args(Objective),
        help="what beta weighs: the whole rate, or its total correlation alone",
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--schedule", default="cosine", choices=get_args(Schedule))
    parser.add_argument(
        "--warmup-epochs",
        type=float,
        help="over which beta rises from 0 (default: half of the epochs, but at most 2.5)",
    )
    parser.add_argument("--free-bits", type=float, default=0.0, help="nats per dimension")
    parser.add_argument("--grad-clip", type=float, default=100.0)
    parser.add_argument("--validation-fraction", type=float, default=0.05)
    parser.add_argument(
        "--corruption",
        type=float,
        default=0.0,
        help="noise on what the encoder sees in training: the model learns to undo it",
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=get_args(Precision),
        help="of the layers' arithmetic: bfloat16 is faster where the machine has it",
    )
    parser.add_argument(
        "--storage",
        default="float32",
        choices=get_args(Storage),
        help="of the weights on the disk: float16 halves the checkpoint",
    )
    parser.add_argument(
        "--perceptual",
        type=float,
        default=0.0,
        help="nats for a distance of 1 in a classifier's features (default 0: none)",
    )
    parser.add_argument(
        "--critic",
        default="",
        help="that classifier's checkpoint (default: the best one of the data set)",
    )
    parser.add_argument(
        "--labelled",
        type=int,
        default=0,
        metavar="N",
        help="labels that a semi-supervised model is told, drawn by the seed (default: all)",
    )
    parser.add_argument("--image-size", type=int, help="side of a folder's images (default 32)")
    parser.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    parser.add_argument("--resume", action="store_true", help="go on with what is unfinished")
    _add_machine_options(parser)


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


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument(
        "--threads", type=int, help="of the CPU (default: all cores but one; 1 a run on Ray)"
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie")


def _add_beta_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--beta",
        type=float,
        help="of a model with a --beta-range, the one to look at (default: its own --beta)",
    )


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


if __name__ == "__main__":
    raise SystemExit(main())
