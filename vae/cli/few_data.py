"""`vae few-data`: measures whether samples of a VAE help a classifier that has few images."""

import shlex
from typing import TYPE_CHECKING

from vae.cli.command import study
from vae.cli.options import DATASET, DRAWN_SEEDS, option, sizes
from vae.cli.output import CommandResult, lines, table

if TYPE_CHECKING:
    from vae.analysis.few_data import FewData
    from vae.cli.study_inputs import StudyInputs

IMAGES = option(
    "--images",
    type=sizes,
    default=[100, 300, 1000],
    help="numbers of training images (default 100,300,1000)",
)


@study(
    "few-data",
    "measure whether samples of a VAE help a classifier that has few images",
    [IMAGES, DATASET, *DRAWN_SEEDS],
)
def few_data(inputs: "StudyInputs") -> CommandResult:
    """Train the classifiers of all draws and measure their accuracy."""
    from vae.analysis.few_data import measure_few_data
    from vae.analysis.findings import StudyFinding, finding_file, write_finding
    from vae.data.registry import load_dataset
    from vae.runs.folders import checkpoints_dir

    options = inputs.options
    dataset = load_dataset(options.dataset, options.data_dir, validation_fraction=0)
    seeds = range(options.seed, options.seed + options.draws)
    found = measure_few_data(dataset, options.images, list(seeds))
    if options.save:
        file = finding_file(checkpoints_dir(), "few-data", options.dataset)
        command = few_data_command(found)
        write_finding(file, StudyFinding.now("few-data", command, found.to_dict()))
    return CommandResult(found.to_dict(), _text(found))


def few_data_command(found: "FewData") -> str:
    """Return the command line that repeats the measurement."""
    images = ",".join(map(str, found.sizes))
    options = {"dataset": found.dataset, "images": images, "draws": len(found.seeds)}
    options |= {"seed": found.seeds[0], "threads": 1}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return shlex.join(["vae", "few-data", *words])


def _text(found: "FewData") -> str:
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
