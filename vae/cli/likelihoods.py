"""`vae likelihoods`: what models of the same images cost under what each was trained with."""

import argparse
from typing import Any

from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.likelihoods import measure_likelihood
from vae.cli.eval_classifier import open_classifier
from vae.cli.output import CommandResult, table
from vae.cli.test_images import read_test_images
from vae.core.device import prepare_device
from vae.core.errors import CheckpointError
from vae.explorer import Explorer
from vae.runs.run import Run


def likelihoods(options: argparse.Namespace) -> CommandResult:
    """`vae likelihoods`."""
    prepare_device("cpu", options.threads)
    rows = []
    for path in options.checkpoints:
        explorer = Explorer.open(path)
        images, labels = read_test_images(explorer.run, options)
        classifier = _classifier_if_any(options, explorer.run)
        found = measure_likelihood(explorer, images, labels, classifier, options.seed)
        rows.append(
            {**found.to_dict(), "judge": None if classifier is None else classifier.run.name}
        )
    return CommandResult({"models": rows}, table([_shown(row) for row in rows]))


def _classifier_if_any(options: argparse.Namespace, run: Run) -> EvalClassifier | None:
    """None where nobody names one and there is none."""
    try:
        return open_classifier(options, run)
    except CheckpointError:
        if options.classifier is not None:
            raise
        return None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    hidden = ("count", "judge", "likelihood", "perceptual")
    return {name: value for name, value in row.items() if name not in hidden}
