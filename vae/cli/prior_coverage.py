"""`vae prior-coverage`: what lies around and between a model's codes."""

import argparse

from vae.analysis.prior_coverage import measure_prior_coverage
from vae.cli.eval_classifier import open_classifier
from vae.cli.output import CommandResult, lines
from vae.core.device import prepare_device
from vae.explorer import Explorer


def prior_coverage(options: argparse.Namespace) -> CommandResult:
    """`vae prior-coverage`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    classifier = open_classifier(options, explorer.run)
    found = measure_prior_coverage(explorer, classifier, options.count, options.seed)
    record = {
        "checkpoint": str(options.checkpoint),
        "judge": classifier.run.name,
        **found.to_dict(),
    }
    return CommandResult(record, lines(record))
