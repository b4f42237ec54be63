"""`vae anomaly`: measures how well a model detects images of classes that it was not trained on.

Example:
    $ vae anomaly checkpoints/mnist-only-3 --samples 100
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, DATA_DIR, SEED, THREADS, labels, option, positive
from vae.cli.output import lines

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs

OPTIONS = [
    CHECKPOINT,
    SEED,
    THREADS,
    option(
        "--normal",
        type=labels,
        metavar="LABELS",
        help="the normal classes, such as 3+5 (default: the classes that the model was trained on)",
    ),
    option(
        "--samples",
        type=positive,
        metavar="K",
        help="also rank the images by likelihood, with K importance samples per image",
    ),
    DATA_DIR,
]


def _show(record: Findings) -> str:
    measures = ("auroc", "recall")
    scores = {f"{name}_{score}": v for name in measures for score, v in record[name].items()}
    return lines(record | scores, hidden=measures)


@study(
    "anomaly",
    "measure how well a model detects classes that it was not trained on",
    OPTIONS,
    show=_show,
)
def anomaly(inputs: "StudyInputs") -> Findings:
    """Measure the anomaly scores of the test images."""
    from vae.analysis.anomaly import detect

    explorer, options = inputs.explorer, inputs.options
    images, labels = inputs.all_test_images(explorer.run)
    found = detect(explorer, images, labels, options.normal, options.samples, options.seed)
    return found.to_dict()
