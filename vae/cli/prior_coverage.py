"""`vae holes`: what lies around and between a model's codes."""

import argparse

from vae.analysis.prior_coverage import measure_prior_coverage
from vae.cli.eval_classifier import open_judge
from vae.cli.output import Outcome, lines
from vae.core.device import prepare_device
from vae.explorer import Explorer


def holes(options: argparse.Namespace) -> Outcome:
    """`vae holes`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    judge = open_judge(options, explorer.run)
    found = measure_prior_coverage(explorer, judge, options.count, options.seed)
    record = {"checkpoint": str(options.checkpoint), "judge": judge.run.name, **found.to_dict()}
    return Outcome(record, lines(record))
