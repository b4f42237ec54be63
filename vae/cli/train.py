"""`vae train`: trains one model into one checkpoint folder.

Example:
    $ vae train --dataset digits --latent-dim 8 --beta 4 --out checkpoints/mine
"""

import argparse
from pathlib import Path

from vae.cli.command import command
from vae.cli.options import add_setting, training_settings
from vae.cli.output import CommandResult, lines


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae train`."""
    add_setting(parser, "dataset", required=True)
    training_settings(parser)
    for name in ("seed", "beta", "beta_range"):
        add_setting(parser, name)
    parser.add_argument("--out", type=Path, help="folder of the checkpoint (default: a new folder)")


@command("train", "train one model into a checkpoint folder", [add_options])
def train(options: argparse.Namespace) -> CommandResult:
    """Train one model to its end."""
    from vae.cli.settings import train_config
    from vae.cli.training import train_one
    from vae.core.device import prepare_device

    prepare_device(options.device, options.threads)
    config = train_config(options, options.beta, options.seed)
    record = train_one(options, config, options.out, resume=options.resume)
    return CommandResult(record, lines(record))
