"""`vae prior-coverage`: measures how much of the prior decodes to recognizable images.

Example:
    $ vae prior-coverage checkpoints/mnist-map
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, CLASSIFIER, SEED, THREADS, count

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs


@study(
    "prior-coverage",
    "measure how much of the space around and between a model's codes decodes to proper images",
    [CHECKPOINT, SEED, THREADS, CLASSIFIER, count(1000, "number of images of each kind")],
    aliases=["holes"],
)
def prior_coverage(inputs: "StudyInputs") -> Findings:
    """Measure how surely a classifier recognizes images decoded from the prior."""
    from vae.analysis.prior_coverage import measure_prior_coverage

    options, classifier = inputs.options, inputs.classifier
    found = measure_prior_coverage(inputs.explorer, classifier, options.count, options.seed)
    return {"judge": classifier.run.name, **found.to_dict()}
