"""`vae compression`: measures a model as an image codec and compares it with JPEG.

Example:
    $ vae compression checkpoints/cifar10-jpeg-compressor
"""

from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, DATA_DIR, SEED, THREADS, count
from vae.cli.output import lines, table

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs


def _show(record: Findings) -> str:
    titles = {"rounded": "codes rounded", "jpeg": "JPEG, 4:2:0"}
    tables = [f"{title}\n{table(record[name])}" for name, title in titles.items()]
    return "\n\n".join([lines(record, hidden=titles), *tables])


@study(
    "compression",
    "measure a model as an image codec beside JPEG",
    [CHECKPOINT, SEED, THREADS, count(1000), DATA_DIR],
    show=_show,
)
def compression(inputs: "StudyInputs") -> Findings:
    """Measure the size and the distortion of rounded codes and of JPEG files."""
    from vae.analysis.compression import measure_compression

    found = measure_compression(inputs.explorer, *inputs.test_images(inputs.explorer.run))
    return {**found.to_dict(), "ratio": found.ratio}
