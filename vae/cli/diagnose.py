"""`vae diagnose`: checks the health of a trained model.

Example:
    $ vae diagnose checkpoints/mnist-map
"""

import argparse

from vae.cli.command import command
from vae.cli.options import CHECKPOINT
from vae.cli.output import CommandResult


@command("diagnose", "find what is wrong with a trained model, and the cure", [CHECKPOINT])
def diagnose(options: argparse.Namespace) -> CommandResult:
    """Check the stored measurements of a run."""
    from vae.analysis.health import RunMeasurements, check_measurements, clamped_share, prior_gap
    from vae.runs.checkpoint import load_run

    run = load_run(options.checkpoint)
    measured = RunMeasurements.from_run(run)
    issues = check_measurements(measured)
    record = {
        "checkpoint": str(options.checkpoint),
        "is_well": not any(issue.is_failure for issue in issues),
        "symptoms": [issue.to_dict() for issue in issues],
        "prior_gap": prior_gap(measured) if run.model.is_gaussian else None,
        "clamped_share": clamped_share(measured) if run.model.is_gaussian else None,
        "active_units": run.results.active_units,
    }
    sentences = [f"{issue.name}: {issue.sentence}" for issue in issues]
    return CommandResult(record, "\n".join(sentences) or "the checks found nothing wrong")
