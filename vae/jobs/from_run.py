"""Represents a finished run as a job, so that a sweep need not train it again.

Example:
    >>> job_from_run(1, submission=1, request=request, run=run).status
    'done'
"""

from typing import Any

from vae.jobs.jobs import Job
from vae.runs.checkpoint import load_metrics
from vae.runs.request import RunRequest
from vae.runs.run import Run
from vae.training import Report


def job_from_run(number: int, submission: int, request: RunRequest, run: Run) -> Job:
    """Return a job that is done, with the epochs of the run and without snapshots."""
    job = Job(number, request, run.path, submission, has_checkpoint=True)
    job.epochs.extend(_report(run, epoch) for epoch in load_metrics(run))
    job.latest = job.epochs[-1] if job.epochs else None
    job.end("done", "trained before")
    return job


def _report(run: Run, epoch: dict[str, Any]) -> Report:
    """Convert one line of metrics.jsonl to a report that counts each epoch as one step."""
    return Report(
        epoch=epoch["epoch"],
        step=epoch["epoch"],
        steps=run.train.epochs,
        beta=epoch["beta"],
        distortion=epoch["distortion"],
        rate_per_dimension=tuple(epoch["rate_per_dimension"]),
        images_per_second=run.results.train_images_per_second,
        seconds=epoch["seconds"],
        seconds_left=0.0,
        inactive=run.results.inactive,
        validation=None,
        ends_epoch=True,
    )
