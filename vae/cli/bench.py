"""`vae bench`: measures the speed of this machine and shows it in one table.

Example:
    $ vae bench --seconds 0.2
"""

import argparse
import dataclasses

from vae.cli.command import command
from vae.cli.options import option, seconds
from vae.cli.output import CommandResult, say

SECONDS = option(
    "--seconds",
    type=seconds,
    default=0.5,
    help="for each contender in each of five rounds (default 0.5: about three minutes in all)",
)


@command("bench", "measure how fast this machine trains and evaluates", [SECONDS])
def bench(options: argparse.Namespace) -> CommandResult:
    """Measure the speeds of training and evaluation."""
    from vae.bench.speeds import measure_speeds

    speeds = measure_speeds(options.seconds, say)
    rows = [dataclasses.asdict(row) for row in speeds.rows]
    return CommandResult(
        {"machine": speeds.machine} | speeds.ratios | {"rows": rows}, speeds.markdown()
    )
