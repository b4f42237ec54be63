"""`vae diagnose`: what is wrong with a trained model."""

import argparse

from vae.analysis.health import RunMeasurements, clamped_share, prior_gap
from vae.analysis.health import diagnose as find
from vae.cli.output import Outcome
from vae.runs.checkpoint import load_run


def diagnose(options: argparse.Namespace) -> Outcome:
    """`vae diagnose`."""
    run = load_run(options.checkpoint)
    signs = RunMeasurements.of(run)
    found = find(signs)
    record = {
        "checkpoint": str(options.checkpoint),
        "is_well": not any(symptom.is_failure for symptom in found),
        "symptoms": [symptom.to_dict() for symptom in found],
        "prior_gap": prior_gap(signs) if run.model.is_gaussian else None,
        "clamped_share": clamped_share(signs) if run.model.is_gaussian else None,
        "active_units": run.results.active_units,
    }
    sentences = [f"{symptom.name}: {symptom.sentence}" for symptom in found]
    return Outcome(record, "\n".join(sentences) or "nothing is wrong that is looked for")
