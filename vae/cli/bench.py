"""`vae bench`: how fast this machine is, in one table."""

import argparse
import dataclasses

from vae.bench.speeds import measure_speeds
from vae.cli.output import CommandResult, say


def bench(options: argparse.Namespace) -> CommandResult:
    """`vae bench`."""
    speeds = measure_speeds(options.seconds, say)
    rows = [dataclasses.asdict(row) for row in speeds.rows]
    return CommandResult(
        {"machine": speeds.machine} | speeds.ratios | {"rows": rows}, speeds.markdown()
    )
