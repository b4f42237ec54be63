"""`vae conditioning`: measures how often a conditional model generates the requested class.

Example:
    $ vae conditioning checkpoints/mnist-conditional
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, CLASSIFIER, SEED, THREADS, count

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs


@study(
    "conditioning",
    "measure how often a conditional model generates the requested class",
    [CHECKPOINT, SEED, THREADS, CLASSIFIER, count(1000, "number of images of each kind")],
)
def conditioning(inputs: "StudyInputs") -> Findings:
    """Measure the agreement between the requested class and a classifier."""
    from vae.analysis.conditioning import measure_conditioning

    options, classifier = inputs.options, inputs.classifier
    found = measure_conditioning(inputs.explorer, classifier, options.count, options.seed)
    return {"judge": classifier.run.name, **found.to_dict()}
