"""`vae list`: the checkpoints of a folder."""

import argparse

from vae.cli.output import CommandResult, say, table
from vae.core.errors import CheckpointError
from vae.runs.catalogue import available_checkpoints, read_catalogue
from vae.runs.report import markdown_table


def list_checkpoints(options: argparse.Namespace) -> CommandResult:
    """`vae list`."""
    root = options.checkpoints
    if root and not root.is_dir():
        raise CheckpointError(f"there is no folder {root}; name one that holds checkpoints")
    catalogue = read_catalogue(root) if root else available_checkpoints()
    for error in catalogue.errors:
        say(f"left out: {error}")
    rows = [
        {
            "name": run_.name,
            "dataset": run_.train.dataset,
            "kind": run_.model.kind,
            "architecture": run_.model.architecture,
            "latent_dim": run_.model.latent_dim,
            "beta": run_.train.beta,
            "test_elbo": run_.results.test_elbo if run_.model.has_rate else None,
        }
        for run_ in catalogue.runs
    ]
    text = markdown_table(catalogue.runs) if options.markdown else table(rows)
    return CommandResult({"checkpoints": rows}, text)
