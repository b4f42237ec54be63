"""`vae failures`: prepared runs that go wrong, and the same cured."""

import argparse
from typing import Any

import torch

from vae.analysis.failure_modes.attempt import Attempt, FailureOutcome, run_both
from vae.analysis.failure_modes.prepared import FAILURES, find_failure
from vae.analysis.failure_modes.stored import COMMAND, StoredFailures, save_stored_failures
from vae.cli.output import CommandResult, progress, table
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.runs.run import Provenance


def failures(options: argparse.Namespace) -> CommandResult:
    """`vae failures`."""
    prepare_device("cpu", options.threads)
    names = [options.name] if options.name else list(FAILURES)
    chosen = {name: find_failure(name) for name in names}
    outcomes = {}
    for name in progress(chosen, "failures", len(chosen)):
        data = load_dataset(chosen[name].request.train.dataset)
        outcomes[name] = run_both(chosen[name], data, lambda share: None)
    if options.out is not None:
        save_stored_failures(
            StoredFailures(COMMAND, Provenance.here(torch.device("cpu")), outcomes), options.out
        )
    return CommandResult(
        {"failures": {n: _record(o) for n, o in outcomes.items()}}, _text(outcomes)
    )


def _record(outcome: FailureOutcome) -> dict[str, Any]:
    both = outcome.to_dict()
    return {name: {k: v for k, v in both[name].items() if k != "pictures"} for name in both}


def _text(outcomes: dict[str, FailureOutcome]) -> str:
    rows = [
        {"failure": name, "run": run, **_numbers(attempt)}
        for name, outcome in outcomes.items()
        for run, attempt in (("failure", outcome.failure), ("cure", outcome.cure))
    ]
    return table(rows)


def _numbers(attempt: Attempt) -> dict[str, Any]:
    return {
        "distortion": attempt.distortion,
        "rate": attempt.rate,
        "elbo": attempt.elbo,
        "active": attempt.active_units,
        "prior_gap": attempt.prior_gap,
        "seconds": attempt.seconds,
        "symptoms": [issue.name for issue in attempt.found()],
    }
