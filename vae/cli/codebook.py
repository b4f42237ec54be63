"""`vae codebook`: measures which codes of a VQ-VAE are used, and how many bits an image costs.

Example:
    $ vae codebook checkpoints/mnist-vq
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, SEED, THREADS

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs


@study(
    "codebook",
    "measure which codes of a VQ-VAE are used and what a grid of codes costs",
    [CHECKPOINT, SEED, THREADS],
)
def codebook(inputs: "StudyInputs") -> Findings:
    """Measure the use of the codebook."""
    from vae.analysis.codebook import measure_codebook

    found = measure_codebook(inputs.explorer)
    return {**found.to_dict(), "dead": found.dead}
