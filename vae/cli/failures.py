"""`vae failures`: trains small runs that fail, and the same runs with the cure.

Example:
    $ vae failures
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli.command import study
from vae.cli.options import THREADS, option
from vae.cli.output import CommandResult, progress, table

if TYPE_CHECKING:
    from vae.analysis.failure_modes.attempt import Attempt, FailureOutcome
    from vae.cli.study_inputs import StudyInputs

OPTIONS = [
    option("name", nargs="?", help="name of one failure (default: all)"),
    option("--out", type=Path, metavar="FILE", help="file that keeps the measurements"),
    THREADS,
]


@study("failures", "train small runs that fail, and the same runs cured", OPTIONS)
def failures(inputs: "StudyInputs") -> CommandResult:
    """Train each failure and its cure."""
    import torch

    from vae.analysis.failure_modes.attempt import COMMAND, StoredFailures, run_both
    from vae.analysis.failure_modes.prepared import FAILURES, find_failure
    from vae.analysis.findings import write_finding
    from vae.data.registry import load_dataset
    from vae.runs.run import Provenance

    options = inputs.options
    names = [options.name] if options.name else list(FAILURES)
    chosen = {name: find_failure(name) for name in names}
    outcomes = {}
    for name in progress(chosen, "failures", len(chosen)):
        data = load_dataset(chosen[name].request.train.dataset)
        outcomes[name] = run_both(chosen[name], data, lambda share: None)
    if options.out is not None:
        provenance = Provenance.here(torch.device("cpu"))
        write_finding(options.out, StoredFailures(COMMAND, provenance, outcomes))
    record = {"failures": {name: _record(outcome) for name, outcome in outcomes.items()}}
    return CommandResult(record, _text(outcomes))


def _record(outcome: "FailureOutcome") -> dict[str, Any]:
    both = outcome.to_dict()
    return {name: {k: v for k, v in both[name].items() if k != "pictures"} for name in both}


def _text(outcomes: "dict[str, FailureOutcome]") -> str:
    rows = [
        {"failure": name, "run": run, **_numbers(attempt)}
        for name, outcome in outcomes.items()
        for run, attempt in (("failure", outcome.failure), ("cure", outcome.cure))
    ]
    return table(rows)


def _numbers(attempt: "Attempt") -> dict[str, Any]:
    return {
        "distortion": attempt.distortion,
        "rate": attempt.rate,
        "elbo": attempt.elbo,
        "active": attempt.active_units,
        "prior_gap": attempt.prior_gap,
        "seconds": attempt.seconds,
        "symptoms": [issue.name for issue in attempt.symptoms],
    }
