"""`vae conditioning`: whether a conditional model paints the class that it is asked for."""

import argparse

from vae.analysis.conditioning import measure_conditioning
from vae.cli.eval_classifier import open_judge
from vae.cli.output import Outcome, lines
from vae.core.device import prepare_device
from vae.explorer import Explorer


def conditioning(options: argparse.Namespace) -> Outcome:
    """`vae conditioning`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    judge = open_judge(options, explorer.run)
    found = measure_conditioning(explorer, judge, options.count, options.seed)
    record = {"checkpoint": str(options.checkpoint), "judge": judge.run.name, **found.to_dict()}
    return Outcome(record, lines(record))
