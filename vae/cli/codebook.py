"""`vae codebook`: which codes of a VQ-VAE are used, and what a grid of them costs."""

import argparse

from vae.analysis.codebook import measure_codebook
from vae.cli.output import CommandResult, lines
from vae.core.device import prepare_device
from vae.explorer import Explorer


def codebook(options: argparse.Namespace) -> CommandResult:
    """`vae codebook`."""
    prepare_device("cpu", options.threads)
    found = measure_codebook(Explorer.open(options.checkpoint))
    record = {"checkpoint": str(options.checkpoint), **found.to_dict(), "dead": found.dead}
    return CommandResult(record, lines(record))
