"""`vae conditioning`: whether a conditional model paints the class that it is asked for."""

import argparse

from vae.commands.judged import open_judge
from vae.commands.text import Outcome, lines
from vae.device import prepare
from vae.explorer import Explorer
from vae.studies.conditioning import measure_conditioning


def conditioning(options: argparse.Namespace) -> Outcome:
    """`vae conditioning`."""
    prepare("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    judge = open_judge(options, explorer.run)
    found = measure_conditioning(explorer, judge, options.count, options.seed)
    record = {"checkpoint": str(options.checkpoint), "judge": judge.run.name, **found.to_dict()}
    return Outcome(record, lines(record))
