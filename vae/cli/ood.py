"""`vae ood`: measures whether a model detects out-of-distribution images.

Example:
    $ vae ood checkpoints/mnist-best
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, DATA_DIR, SEED, THREADS, option, positive
from vae.cli.output import table

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs

COUNT = option(
    "--count",
    type=positive,
    default=2000,
    help="number of test images; half of them set the threshold (2000)",
)


@study(
    "ood",
    "measure whether a model detects out-of-distribution images",
    [CHECKPOINT, SEED, THREADS, COUNT, DATA_DIR],
    aliases=["strangers"],
    show=lambda record: table(record["sorts"]),
)
def ood(inputs: "StudyInputs") -> Findings:
    """Measure the out-of-distribution scores of several sorts of images."""
    import numpy as np

    from vae.analysis.ood import measure_ood

    images, labels = inputs.all_test_images(inputs.explorer.run)
    seed, count = inputs.options.seed, inputs.options.count
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    found = measure_ood(inputs.explorer, images[chosen], labels[chosen], seed)
    return {"sorts": [sort.to_dict() for sort in found]}
