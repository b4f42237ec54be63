"""`vae few-data`: measures whether samples of a VAE help a classifier that has few images.

Example:
    $ vae few-data --dataset digits --images 100,300 --draws 2
"""

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
    from vae.analysis.findings import save_study

    options = inputs.options
    found = measure_few_data(inputs.whole_dataset, options.images, inputs.drawn_seeds)
    if options.save:
        save_study("few-data", options.dataset, few_data_command(found), found)
    return CommandResult(found.to_dict(), _text(found))


def few_data_command(found: "FewData") -> str:
    """Return the command line that repeats the measurement."""
    from vae.analysis.findings import study_command

    return study_command(
        "few-data",
        dataset=found.dataset,
        images=",".join(map(str, found.sizes)),
        draws=len(found.seeds),
        seed=found.seeds[0],
        threads=1,
    )


def _text(found: "FewData") -> str:
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
    return f"{lines(found.to_dict(), hidden=['cells'])}\n\n{table(rows)}"
