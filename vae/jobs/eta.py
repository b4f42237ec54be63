"""What waits and what is under way, in its order, and how long that may take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vae.data.registry import dataset_title
from vae.jobs.jobs import Job
from vae.jobs.sweep import estimate
from vae.runs.run import Run


@dataclass(frozen=True)
class Entry:
    """Jobs that were asked for together, as far as they have not ended."""

    jobs: tuple[Job, ...]
    seconds: float | None
    """Estimated for what is left of it; None where nothing is known."""

    seconds_before: float | None
    """Estimated until it begins; None where nothing is known, 0 where it has begun."""

    @property
    def waits(self) -> bool:
        """Whether none of its jobs has begun."""
        return all(job.status == "queued" for job in self.jobs)

    @property
    def number(self) -> int:
        """That of its first job."""
        return self.jobs[0].number

    @property
    def title(self) -> str:
        """A job by its name, several by what they have in common."""
        first = self.jobs[0]
        if len(self.jobs) == 1:
            return first.name
        request = first.request
        return f"{len(self.jobs)} runs: {dataset_title(request.train.dataset)}, " + (
            f"{request.model.architecture}, {request.model.latent_dim} latent"
        )


def outlook(jobs: Sequence[Job], runs: Iterable[Run]) -> list[Entry]:
    """All that has not ended, in the order in which it is trained; jobs and runs give the pace."""
    batches: dict[int, list[Job]] = {}
    for job in jobs:
        if not job.ended:
            batches.setdefault(job.batch, []).append(job)
    entries: list[Entry] = []
    before: float | None = 0.0
    known = list(runs)
    # What is under way comes first: it may have been joined by a sweep that was asked for later.
    for batch in sorted(batches.values(), key=lambda batch: batch[0].status == "queued"):
        seconds = _seconds_left(batch, jobs, known)
        entries.append(Entry(tuple(batch), seconds, before))
        before = None if before is None or seconds is None else before + seconds
    return entries


def _seconds_left(batch: Sequence[Job], jobs: Sequence[Job], runs: Sequence[Run]) -> float | None:
    """Jobs that train share their time; those that wait for them come on top."""
    waiting = [job.request for job in batch if job.latest is None]
    reports = [job.latest for job in batch if job.latest is not None]
    training = max((report.seconds_left for report in reports), default=0.0)
    if not waiting:
        return training
    found = estimate(waiting, jobs, runs)
    return None if found is None else training + found.seconds
