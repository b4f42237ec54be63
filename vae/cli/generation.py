"""`vae generation`: how good a model's samples are, of its prior and of a fitted mixture."""

import argparse
from typing import Any

from vae.analysis.generation import (
    Generation,
    fit_prior,
    gather_inputs,
    measure_generation,
    read_real_images,
)
from vae.cli.eval_classifier import open_classifier
from vae.cli.output import CommandResult, lines, table
from vae.core.device import prepare_device
from vae.explorer import Explorer


def generation(options: argparse.Namespace) -> CommandResult:
    """`vae generation`."""
    prepare_device("cpu", options.threads)
    explorer = Explorer.open(options.checkpoint)
    classifier = open_classifier(options, explorer.run)
    real = read_real_images(explorer.run, options.count, options.data_dir, options.seed)
    inputs = gather_inputs(explorer, real, options.count, options.seed)
    mixture = fit_prior(inputs, options.components, options.seed)
    found = measure_generation(
        explorer, classifier, inputs, mixture, options.temperature, options.seed
    )
    record = {
        "checkpoint": str(options.checkpoint),
        "judge": classifier.run.name,
        **found.to_dict(),
        "gain": found.gain,
    }
    return CommandResult(record, _text(record, found))


def _text(record: dict[str, Any], found: Generation) -> str:
    """The sets as a table, below what is the same for all of them."""
    sets = found.rows()
    common = {name: value for name, value in record.items() if name not in ("real", *sets)}
    rows = [{"images": name, **quality.to_dict()} for name, quality in sets.items()]
    title = f"In the features of {record['judge']} (the Fréchet distance is no FID):"
    return f"{lines(common)}\n\n{title}\n{table(rows)}"
