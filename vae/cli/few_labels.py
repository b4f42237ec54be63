"""`vae few-labels`: what a few labels come to, with a VAE and without."""

import argparse
import shlex

from vae.analysis.few_labels import FewLabels, measure_few_labels
from vae.analysis.stored_findings import StoredFinding, finding_file, write_finding
from vae.cli.output import CommandResult, lines, table
from vae.core.device import prepare_device
from vae.core.errors import CheckpointError
from vae.data.registry import load_dataset
from vae.runs.catalogue import available_checkpoints
from vae.runs.checkpoint import load_run
from vae.runs.folders import checkpoints_dir
from vae.runs.run import Run


def few_labels(options: argparse.Namespace) -> CommandResult:
    """`vae few-labels`."""
    prepare_device("cpu", options.threads)
    models = [load_run(path) for path in options.models]
    seeds = range(options.seed, options.seed + options.draws)
    vae = _find_vae(options.dataset) if options.vae is None else load_run(options.vae)
    dataset = load_dataset(options.dataset, options.data_dir, validation_fraction=0)
    found = measure_few_labels(dataset, vae, options.labels, list(seeds), options.epochs, models)
    if options.save:
        place = finding_file(checkpoints_dir(), "few-labels", options.dataset)
        command = few_labels_command(found, models)
        write_finding(place, StoredFinding.now("few-labels", command, found.to_dict()))
    return CommandResult(found.to_dict(), _text(found))


def few_labels_command(found: FewLabels, models: list[Run]) -> str:
    """The command line that finds the same."""
    options = {
        "dataset": found.dataset,
        "labels": found.labels,
        "vae": f"checkpoints/{found.vae}",
        "epochs": found.code_epochs,
        "draws": len(found.seeds),
        "seed": found.seeds[0],
        "threads": 1,
    }
    words = ["vae", "few-labels", *(f"checkpoints/{run.name}" for run in models)]
    return shlex.join([*words, *(str(w) for k, v in options.items() for w in (f"--{k}", v))])


def _find_vae(dataset: str) -> Run:
    """The plain VAE of a data set with the best ELBO, of those of the usual likelihood."""
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
            f"there is no VAE of {dataset} whose codes could be used; train one, or name one with "
            "--vae"
        )
    return max(runs, key=lambda run: run.results.test_elbo)


def _text(found: FewLabels) -> str:
    common = {name: value for name, value in found.to_dict().items() if name != "errors"}
    rows = [
        {"method": name, "test error": f"{100 * s.mean:.1f} %", "±": f"{100 * s.deviation:.1f} %"}
        for name, s in sorted(found.errors.items(), key=lambda item: -item[1].mean)
    ]
    return f"{lines(common)}\n\n{table(rows)}"
