"""`vae generation`: measures the quality of samples from the prior and from a fitted mixture.

Example:
    $ vae generation checkpoints/mnist-best --temperature 0.8
"""

from typing import TYPE_CHECKING, Any

from vae.cli.command import study
from vae.cli.options import (
    CHECKPOINT,
    CLASSIFIER,
    DATA_DIR,
    SEED,
    THREADS,
    count,
    option,
    positive,
    temperature,
)
from vae.cli.output import CommandResult, lines, table

if TYPE_CHECKING:
    from vae.analysis.generation import Generation
    from vae.cli.study_inputs import StudyInputs

OPTIONS = [
    CHECKPOINT,
    SEED,
    THREADS,
    CLASSIFIER,
    count(5000, "number of images of each kind"),
    option(
        "--components",
        type=positive,
        metavar="K",
        help="components of the mixture (default: the number that fits held-out codes best)",
    ),
    option(
        "--temperature",
        type=temperature,
        default=1.0,
        help="factor on the standard deviation of both priors (1)",
    ),
    DATA_DIR,
]


@study("generation", "measure samples from the prior and from a fitted mixture", OPTIONS)
def generation(inputs: "StudyInputs") -> CommandResult:
    """Measure the sampled images beside real ones."""
    from vae.analysis.generation import (
        fit_prior,
        gather_inputs,
        measure_generation,
        read_real_images,
    )

    options, explorer, classifier = inputs.options, inputs.explorer, inputs.classifier
    real = read_real_images(explorer.run, options.count, options.data_dir, options.seed)
    gathered = gather_inputs(explorer, real, options.count, options.seed)
    mixture = fit_prior(gathered, options.components, options.seed)
    found = measure_generation(
        explorer, classifier, gathered, mixture, options.temperature, options.seed
    )
    record = {
        "checkpoint": str(options.checkpoint),
        "judge": classifier.run.name,
        **found.to_dict(),
        "gain": found.gain,
    }
    return CommandResult(record, _text(record, found))


def _text(record: dict[str, Any], found: "Generation") -> str:
    """Show the values of all sets as lines, and each set as a row of a table."""
    sets = found.rows()
    rows = [{"images": name, **quality.to_dict()} for name, quality in sets.items()]
    title = f"In the features of {record['judge']} (the Fréchet distance is no FID):"
    return f"{lines(record, hidden=('real', *sets))}\n\n{title}\n{table(rows)}"
