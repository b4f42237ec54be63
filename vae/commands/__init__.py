"""What each command does, a file each; the options are parsed in `vae.__main__`."""

import argparse
from collections.abc import Callable

from vae.commands import evaluate, export, listing, metrics, sweep, train
from vae.commands.text import Outcome


def run(options: argparse.Namespace) -> Outcome:
    """Run the chosen command; raises VaeError for bad input."""
    return _COMMANDS[options.command](options)


_COMMANDS: dict[str, Callable[[argparse.Namespace], Outcome]] = {
    "train": train.train,
    "sweep": sweep.sweep,
    "evaluate": evaluate.evaluate_checkpoint,
    "metrics": metrics.metrics,
    "list": listing.list_checkpoints,
    "export": export.export,
}
