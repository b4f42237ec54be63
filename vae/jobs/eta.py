"""Estimates how long the jobs of the queue take and when each of them starts.

Example:
    >>> format_duration(185)
    '3:05 min'
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vae.core.config import Architecture
from vae.data.registry import dataset_title
from vae.jobs.jobs import Job
from vae.runs.request import RunRequest
from vae.runs.run import Run


@dataclass(frozen=True)
class QueueEntry:
    """The jobs of one submission that have not ended yet."""

    jobs: tuple[Job, ...]
    seconds_left: float | None
    """Estimated seconds until all of its jobs have ended; None if no estimate exists."""

    seconds_until_start: float | None
    """Estimated seconds until it starts; None if no estimate exists, 0 after the start."""

    @property
    def is_waiting(self) -> bool:
        """Whether none of its jobs has started."""
        return all(job.status == "queued" for job in self.jobs)

    @property
    def number(self) -> int:
        """The number of its first job."""
        return self.jobs[0].number

    @property
    def title(self) -> str:
        """The name of a single job, or the settings that several jobs share."""
        first = self.jobs[0]
        if len(self.jobs) == 1:
            return first.name
        request = first.request
        return f"{len(self.jobs)} runs: {dataset_title(request.train.dataset)}, " + (
            f"{request.model.architecture}, {request.model.latent_dim} latent"
        )


def queue_etas(jobs: Sequence[Job], runs: Iterable[Run]) -> list[QueueEntry]:
    """List the submissions that have not ended, in training order, with estimates.

    The pace is taken from earlier jobs of this server, else from the runs.
    """
    submissions: dict[int, list[Job]] = {}
    for job in jobs:
        if not job.ended:
            submissions.setdefault(job.submission, []).append(job)
    entries: list[QueueEntry] = []
    before: float | None = 0.0
    known = list(runs)
    # Running jobs come first: an earlier submission may wait behind them.
    for group in sorted(submissions.values(), key=lambda group: group[0].status == "queued"):
        seconds = _seconds_left(group, jobs, known)
        entries.append(QueueEntry(tuple(group), seconds, before))
        before = None if before is None or seconds is None else before + seconds
    return entries


def _seconds_left(group: Sequence[Job], jobs: Sequence[Job], runs: Sequence[Run]) -> float | None:
    """Estimate the seconds until all jobs of a submission have ended.

    Running jobs train side by side, so the slowest of them counts. Waiting jobs are added to it.
    """
    waiting = [job.request for job in group if job.latest is None]
    reports = [job.latest for job in group if job.latest is not None]
    training = max((report.seconds_left for report in reports), default=0.0)
    if not waiting:
        return training
    found = estimate_duration(waiting, jobs, runs)
    return None if found is None else training + found.seconds


ASSUMED_EPOCH_SECONDS: dict[tuple[str, Architecture], float] = {
    ("digits", "mlp"): 0.1,
    ("digits", "mlp-deep"): 0.11,
    ("digits", "conv"): 0.3,
}
"""Seconds for one epoch on one laptop core, used before the server has trained anything."""


@dataclass(frozen=True)
class Estimate:
    """An estimated duration and its source."""

    seconds: float
    source: Literal["jobs", "checkpoints", "stated"]
    """Jobs of this server, checkpoints (perhaps from other machines), or ASSUMED_EPOCH_SECONDS."""


def estimate_duration(
    requests: Sequence[RunRequest], jobs: Iterable[Job], runs: Iterable[Run]
) -> Estimate | None:
    """Estimate the seconds for requests that differ in beta and seed alone.

    The estimate uses the median seconds of an epoch of the same data set and architecture.
    Returns None if no such epoch is known.
    """
    first = requests[0]
    like = first.train.dataset, first.model.architecture
    stated = [ASSUMED_EPOCH_SECONDS[like]] if like in ASSUMED_EPOCH_SECONDS else []
    known: list[tuple[Literal["jobs", "checkpoints", "stated"], list[float]]] = [
        ("jobs", _job_epochs(like, jobs)),
        ("checkpoints", _run_epochs(like, runs)),
        ("stated", stated),
    ]
    epochs = sum(request.train.epochs for request in requests)
    for source, seconds in known:
        if seconds:
            return Estimate(epochs * statistics.median(seconds), source)
    return None


def _job_epochs(like: tuple[str, Architecture], jobs: Iterable[Job]) -> list[float]:
    return [
        job.latest.seconds * job.latest.steps / (job.latest.step * job.request.train.epochs)
        for job in jobs
        if like == (job.request.train.dataset, job.request.model.architecture)
        and job.latest
        and job.started_at is not None
    ]


def _run_epochs(like: tuple[str, Architecture], runs: Iterable[Run]) -> list[float]:
    return [
        run.results.seconds / run.results.epochs_trained
        for run in runs
        if like == (run.train.dataset, run.model.architecture) and run.results.epochs_trained
    ]


def format_rough_duration(seconds: float) -> str:
    """Format an estimated duration coarsely, such as "20 s" or "3 min"."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"


def format_duration(seconds: float) -> str:
    """Format a measured duration or a countdown, such as "20 s" or "3:05 min"."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole // 60 % 60:02} h"
