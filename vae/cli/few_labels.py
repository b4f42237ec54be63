"""`vae few-labels`: compares classifiers that have few labels, with and without a VAE.

Example:
    $ vae few-labels checkpoints/mnist-semi-supervised --labels 100
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vae.cli.command import study
from vae.cli.options import DATASET, DRAWN_SEEDS, option, positive
from vae.cli.output import CommandResult, lines, table
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    from vae.analysis.few_labels import FewLabels
    from vae.cli.study_inputs import StudyInputs
    from vae.runs.run import Run

OPTIONS = [
    option(
        "models",
        type=Path,
        nargs="*",
        metavar="CHECKPOINT",
        help="semi-supervised models; the seed of each says which draw it belongs to",
    ),
    option("--labels", type=positive, default=100, help="number of labels in each draw (100)"),
    option(
        "--vae", type=Path, help="the VAE that encodes the images (default: the one of best ELBO)"
    ),
    option(
        "--epochs",
        type=positive,
        default=5,
        help="training epochs of the semi-supervised model on codes (5)",
    ),
    DATASET,
    *DRAWN_SEEDS,
]


@study("few-labels", "compare classifiers with few labels, with and without a VAE", OPTIONS)
def few_labels(inputs: "StudyInputs") -> CommandResult:
    """Train the classifiers of all draws and measure their test errors."""
    from vae.analysis.few_labels import measure_few_labels
    from vae.analysis.findings import save_study
    from vae.runs.checkpoint import load_run

    options = inputs.options
    models = [load_run(path) for path in options.models]
    vae = _find_vae(options.dataset) if options.vae is None else load_run(options.vae)
    found = measure_few_labels(
        inputs.whole_dataset, vae, options.labels, inputs.drawn_seeds, options.epochs, models
    )
    if options.save:
        save_study("few-labels", options.dataset, few_labels_command(found, models), found)
    return CommandResult(found.to_dict(), _text(found))


def few_labels_command(found: "FewLabels", models: "list[Run]") -> str:
    """Return the command line that repeats the measurement."""
    from vae.analysis.findings import study_command

    return study_command(
        "few-labels",
        *(f"checkpoints/{run.name}" for run in models),
        dataset=found.dataset,
        labels=found.labels,
        vae=f"checkpoints/{found.vae}",
        epochs=found.code_epochs,
        draws=len(found.seeds),
        seed=found.seeds[0],
        threads=1,
    )


def _find_vae(dataset: str) -> "Run":
    """Find the plain Bernoulli VAE of a data set with the best ELBO.

    Raises CheckpointError if there is none.
    """
    from vae.runs.catalogue import available_checkpoints

    runs = [
        run
        for run in available_checkpoints().runs
        if run.train.dataset == dataset
        and run.model.kind == "vae"
        and run.model.beta_range is None
        and run.model.likelihood == "bernoulli"
    ]
    if not runs:
        raise CheckpointError(
            f"there is no VAE of {dataset} to encode the images; train one, or name one with --vae"
        )
    return max(runs, key=lambda run: run.results.test_elbo)


def _text(found: "FewLabels") -> str:
    rows = [
        {"method": name, "test error": f"{100 * s.mean:.1f} %", "±": f"{100 * s.deviation:.1f} %"}
        for name, s in sorted(found.errors.items(), key=lambda item: -item[1].mean)
    ]
    return f"{lines(found.to_dict(), hidden=['errors'])}\n\n{table(rows)}"
