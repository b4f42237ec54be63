"""Runs that were trained before, as jobs that are done: a sweep need not train them again."""

from typing import Any

from vae.jobs.jobs import Job
from vae.runs.checkpoint import load_metrics
from vae.runs.request import RunRequest
from vae.runs.run import Run
from vae.training import Report


def job_from_run(number: int, submission: int, request: RunRequest, run: Run) -> Job:
    """The job that a run would be; it has its epochs, and no pictures."""
    job = Job(number, request, run.path, submission, has_checkpoint=True)
    job.epochs.extend(_report(run, epoch) for epoch in load_metrics(run))
    job.latest = job.epochs[-1] if job.epochs else None
    job.end("done", "trained before")
    return job


def _report(run: Run, epoch: dict[str, Any]) -> Report:
    """One line of metrics.jsonl, as if an epoch were a single step."""
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
