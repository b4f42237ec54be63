"""`vae list`: lists the checkpoints of a folder.

Example:
    $ vae list --markdown
"""

import argparse
from pathlib import Path

from vae.cli.command import command
from vae.cli.options import option
from vae.cli.output import CommandResult, say, table
from vae.core.errors import CheckpointError

OPTIONS = [
    option("--markdown", action="store_true", help="print the table of checkpoints/README.md"),
    option("--checkpoints", type=Path, help="the folder that holds the checkpoints"),
]


@command("list", "list the available checkpoints", OPTIONS)
def list_checkpoints(options: argparse.Namespace) -> CommandResult:
    """List the readable checkpoints, and say which ones are left out."""
    from vae.runs.catalogue import available_checkpoints, read_catalogue
    from vae.runs.report import markdown_table

    root = options.checkpoints
    if root and not root.is_dir():
        raise CheckpointError(f"there is no folder {root}; name one that holds checkpoints")
    catalogue = read_catalogue(root) if root else available_checkpoints()
    for error in catalogue.errors:
        say(f"left out: {error}")
    rows = [
        {
            "name": run.name,
            "dataset": run.train.dataset,
            "kind": run.model.kind,
            "architecture": run.model.architecture,
            "latent_dim": run.model.latent_dim,
            "beta": run.train.beta,
            "test_elbo": run.results.test_elbo if run.model.has_rate else None,
        }
        for run in catalogue.runs
    ]
    text = markdown_table(catalogue.runs) if options.markdown else table(rows)
    return CommandResult({"checkpoints": rows}, text)
