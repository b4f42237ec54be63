"""`vae conditioning`: whether a conditional model paints the class that it is asked for."""

import argparse

from vae.analysis.conditioning import measure_conditioning
from vae.cli.eval_classifier import open_classifier
from vae.cli.output import CommandResult, lines
from vae.core.device import prepare_device
from vae.explorer import Explorer


def conditioning(options: argparse.Namespace) -> CommandResult:
    """`vae conditioning`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    classifier = open_classifier(options, explorer.run)
    found = measure_conditioning(explorer, classifier, options.count, options.seed)
    record = {
        "checkpoint": str(options.checkpoint),
        "judge": classifier.run.name,
        **found.to_dict(),
    }
    return CommandResult(record, lines(record))
