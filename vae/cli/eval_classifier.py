"""The classifier that a command asks, named or found."""

import argparse

from vae.analysis.eval_classifier import EvalClassifier, find_eval_classifier
from vae.runs.catalogue import available_checkpoints
from vae.runs.run import Run


def open_classifier(options: argparse.Namespace, of: Run) -> EvalClassifier:
    """The classifier named by --classifier, else the best one there is for the model's data set."""
    if options.classifier is not None:
        return EvalClassifier.open(options.classifier)
    return EvalClassifier.open(find_eval_classifier(available_checkpoints().runs, of).path)
