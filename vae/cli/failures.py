"""`vae failures`: prepared runs that go wrong, and the same cured."""

import argparse
from typing import Any

import torch

from vae.analysis.failure_modes.attempt import Attempt, Outcome, run_both
from vae.analysis.failure_modes.prepared import FAILURES, find_failure
from vae.analysis.failure_modes.stored import COMMAND, Stored, save_stored
from vae.cli.output import Outcome as Told
from vae.cli.output import progress, table
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.runs.run import Provenance


def failures(options: argparse.Namespace) -> Told:
    """`vae failures`."""
    prepare_device("cpu", options.threads)
    names = [options.name] if options.name else list(FAILURES)
    chosen = {name: find_failure(name) for name in names}
    outcomes = {}
    for name in progress(chosen, "failures", len(chosen)):
        data = load_dataset(chosen[name].request.train.dataset)
        outcomes[name] = run_both(chosen[name], data, lambda share: None)
    if options.out is not None:
        save_stored(Stored(COMMAND, Provenance.here(torch.device("cpu")), outcomes), options.out)
    return Told({"failures": {n: _record(o) for n, o in outcomes.items()}}, _text(outcomes))


def _record(outcome: Outcome) -> dict[str, Any]:
    both = outcome.to_dict()
    return {name: {k: v for k, v in both[name].items() if k != "pictures"} for name in both}


def _text(outcomes: dict[str, Outcome]) -> str:
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
        "symptoms": [symptom.name for symptom in attempt.found()],
    }
