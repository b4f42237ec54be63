"""The judge that a command asks, named or found."""

import argparse

from vae.analysis.eval_classifier import Judge, find_judge
from vae.runs.catalogue import checkpoints_dir, read_catalogue
from vae.runs.run import Run


def open_judge(options: argparse.Namespace, of: Run) -> Judge:
    """The classifier named by --judge, else the best one there is for the model's data set."""
    if options.judge is not None:
        return Judge.open(options.judge)
    return Judge.open(find_judge(read_catalogue(checkpoints_dir()).runs, of).path)
