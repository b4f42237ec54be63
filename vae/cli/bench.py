"""`vae bench`: how fast this machine is, in one table."""

import argparse
import dataclasses

from vae.bench.speeds import measure_speeds
from vae.cli.output import Outcome, say


def bench(options: argparse.Namespace) -> Outcome:
    """`vae bench`."""
    speeds = measure_speeds(options.seconds, say)
    rows = [dataclasses.asdict(row) for row in speeds.rows]
    return Outcome({"machine": speeds.machine} | speeds.ratios | {"rows": rows}, speeds.markdown())
