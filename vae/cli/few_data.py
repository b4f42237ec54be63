"""`vae few-data`: whether samples of a VAE help a classifier that has only a few images."""

import argparse
import shlex

from vae.analysis.few_data import FewData, measure_few_data
from vae.analysis.stored_findings import StoredFinding, finding_file, write_finding
from vae.cli.output import CommandResult, lines, table
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.runs.folders import checkpoints_dir


def few_data(options: argparse.Namespace) -> CommandResult:
    """`vae few-data`."""
    prepare_device("cpu", options.threads)
    dataset = load_dataset(options.dataset, options.data_dir, validation_fraction=0)
    seeds = range(options.seed, options.seed + options.draws)
    found = measure_few_data(dataset, options.images, list(seeds))
    if options.save:
        place = finding_file(checkpoints_dir(), "few-data", options.dataset)
        command = few_data_command(found)
        write_finding(place, StoredFinding.now("few-data", command, found.to_dict()))
    return CommandResult(found.to_dict(), _text(found))


def few_data_command(found: FewData) -> str:
    """The command line that finds the same."""
    images = ",".join(map(str, found.sizes))
    options = {"dataset": found.dataset, "images": images, "draws": len(found.seeds)}
    options |= {"seed": found.seeds[0], "threads": 1}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return shlex.join(["vae", "few-data", *words])


def _text(found: FewData) -> str:
    common = {name: value for name, value in found.to_dict().items() if name != "cells"}
    rows = [
        {
            "images": cell.images,
            "classifier": cell.classifier,
            "trained on": cell.trained_on,
            "accuracy": f"{100 * cell.accuracy.mean:.1f} %",
            "±": f"{100 * cell.accuracy.deviation:.1f} %",
        }
        for cell in found.cells
    ]
    return f"{lines(common)}\n\n{table(rows)}"
