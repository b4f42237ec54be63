"""The judge that a command asks, named or found."""

import argparse

from vae.analysis.eval_classifier import EvalClassifier, find_eval_classifier
from vae.runs.catalogue import available_checkpoints
from vae.runs.run import Run


def open_judge(options: argparse.Namespace, of: Run) -> EvalClassifier:
    """The classifier named by --judge, else the best one there is for the model's data set."""
    if options.judge is not None:
        return EvalClassifier.open(options.judge)
    return EvalClassifier.open(find_eval_classifier(available_checkpoints().runs, of).path)
