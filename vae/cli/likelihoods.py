"""`vae likelihoods`: compares models of the same images trained with other likelihoods.

Example:
    $ vae likelihoods checkpoints/mnist-bernoulli checkpoints/mnist-gaussian
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINTS, CLASSIFIER, DATA_DIR, SEED, THREADS, count
from vae.cli.output import table
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.cli.study_inputs import StudyInputs
    from vae.runs.run import Run

HIDDEN_COLUMNS = ("count", "judge", "likelihood", "perceptual")
"""Columns of the record that the text leaves out."""


def _show(record: Findings) -> str:
    return table(
        [{k: v for k, v in row.items() if k not in HIDDEN_COLUMNS} for row in record["models"]]
    )


@study(
    "likelihoods",
    "compare models of the same images that were trained with different likelihoods",
    [CHECKPOINTS, CLASSIFIER, SEED, THREADS, count(1000), DATA_DIR],
    show=_show,
)
def likelihoods(inputs: "StudyInputs") -> Findings:
    """Measure each model under the likelihood that it was trained with."""
    from vae.analysis.likelihoods import measure_likelihood
    from vae.explorer import Explorer

    rows = []
    for path in inputs.options.checkpoints:
        explorer = Explorer.open(path)
        images, labels = inputs.test_images(explorer.run)
        classifier = _classifier_if_any(inputs, explorer.run)
        found = measure_likelihood(explorer, images, labels, classifier, inputs.options.seed)
        judge = None if classifier is None else classifier.run.name
        rows.append({**found.to_dict(), "judge": judge})
    return {"models": rows}


def _classifier_if_any(inputs: "StudyInputs", run: "Run") -> "EvalClassifier | None":
    """Open the classifier; return None if there is none and --classifier names none."""
    try:
        return inputs.classifier_for(run)
    except CheckpointError:
        if inputs.options.classifier is not None:
            raise
        return None
