"""`vae levels`: measures each level of a hierarchical VAE, and the gain over one level.

Example:
    $ vae levels checkpoints/mnist-ladder --against checkpoints/mnist-flat
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import (
    CHECKPOINT,
    DATA_DIR,
    IMPORTANCE_SAMPLES,
    SEED,
    THREADS,
    count,
    option,
)

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs

AGAINST = option(
    "--against", type=Path, metavar="FLAT", help="a model with one level to compare with"
)


@study(
    "levels",
    "measure each level of a hierarchical VAE, and the gain over a model with one level",
    [CHECKPOINT, SEED, THREADS, AGAINST, IMPORTANCE_SAMPLES, count(10_000), DATA_DIR],
)
def levels(inputs: "StudyInputs") -> Findings:
    """Measure the rate of each level and the bounds of the whole model."""
    from vae.analysis.levels import active_by_level, level_sizes, measure_bounds, rate_by_level
    from vae.explorer import Explorer

    options, explorer = inputs.options, inputs.explorer
    run = explorer.run
    images, _ = inputs.test_images(run)
    samples, seed = options.importance_samples, options.seed
    found: Findings = {
        "levels": list(level_sizes(run)),
        "rate_by_level": list(rate_by_level(run)),
        "active_by_level": list(active_by_level(run)),
        **measure_bounds(explorer, images, samples, seed).to_dict(),
    }
    if options.against is not None:
        flat = measure_bounds(Explorer.open(options.against), images, samples, seed)
        found["against"] = str(options.against)
        found |= {f"against_{name}": value for name, value in flat.to_dict().items()}
        found["elbo_gain"] = found["elbo"] - flat.elbo
        found["log_likelihood_gain"] = found["log_likelihood"] - flat.log_likelihood
    return found
