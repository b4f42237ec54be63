"""Training jobs of the server, alone or grouped in sweeps: their status, progress and results.

Example:
    >>> job = queue.submit(request)
    >>> job.status, job.progress, job.ended
    ('training', 0.25, False)
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from vae.data.registry import dataset_title
from vae.runs.request import RunRequest
from vae.training import Report

Status = Literal["queued", "loading", "training", "saving", "done", "stopped", "failed"]
ENDED: frozenset[Status] = frozenset({"done", "stopped", "failed"})
SETTLED_SHARE = 0.03
"""Share of a sweep's steps that must be done before the remaining time is estimated."""


@dataclass(frozen=True)
class Snapshot:
    """Reconstructions of fixed images and decoded fixed codes at the end of an epoch."""

    epoch: int
    reconstructions: UInt8[np.ndarray, "n h w c"]
    samples: UInt8[np.ndarray, "n h w c"]


@dataclass(eq=False)
class Job:
    """One training run of the server. The queue writes it, and any page may read it."""

    number: int
    request: RunRequest
    path: Path
    submission: int
    """Number of the submission. Jobs that were submitted together train together."""

    resumes: bool = False
    """Whether it continues from the state saved in its folder."""

    status: Status = "queued"
    message: str = ""
    latest: Report | None = None
    epochs: list[Report] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    originals: UInt8[np.ndarray, "n h w c"] | None = None
    started_at: float | None = None
    """Monotonic time at which training began, after its data were loaded; None before.

    It stays None for a run that was trained before the server started.
    """

    progress_at_start: float = 0.0
    """Share of its steps, 0 to 1, that were already done when training began here."""

    ended_at: float | None = None
    """Monotonic time at which the job ended."""

    has_checkpoint: bool = False
    """Whether it has left a checkpoint. A job that was stopped after its start leaves one too."""

    _stop: threading.Event = field(default_factory=threading.Event)
    _skip_evaluation: threading.Event = field(default_factory=threading.Event)
    """Set when someone asked not to wait for the evaluation of a stopped job."""

    @property
    def name(self) -> str:
        """The name of the checkpoint that the job leaves."""
        return self.path.name

    @property
    def ended(self) -> bool:
        """Whether the job has reached its final status."""
        return self.status in ENDED

    @property
    def stopping(self) -> bool:
        """Whether someone asked the job to stop."""
        return self._stop.is_set()

    @property
    def progress(self) -> float:
        """Share of its steps that is done, 0 to 1."""
        return self.latest.step / self.latest.steps if self.latest else 0.0

    def end(self, status: Status, message: str = "") -> None:
        """Set the final status and message of the job."""
        self.message, self.ended_at = message, time.monotonic()
        self.status = status


@dataclass(frozen=True, eq=False)
class Sweep:
    """Jobs that were submitted together, in their order. All of them have equally many steps."""

    number: int
    jobs: tuple[Job, ...]
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether all of its jobs have ended."""
        return all(job.ended for job in self.jobs)

    @property
    def seconds(self) -> float:
        """Seconds from the start of the first job until now, or until the last job ended."""
        starts = [job.started_at for job in self.jobs if job.started_at is not None]
        if not starts:
            return 0.0
        ends = [job.ended_at for job in self.jobs if job.ended_at is not None]
        return (max(ends) if self.ended and ends else time.monotonic()) - min(starts)

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0 to 1, without the rest of cancelled jobs."""
        done, left = self._work()
        return done / (done + left) if done + left else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left at the pace so far; None before the pace is known."""
        pace, left = self._pace(), self._work()[1]
        return None if pace is None else pace * left

    @property
    def title(self) -> str:
        """The data set, architecture and latent size that its runs share."""
        request = self.jobs[0].request
        data = dataset_title(request.train.dataset)
        return f"{data}, {request.model.architecture}, {request.model.latent_dim} latent"

    def beta_positions(self) -> list[float]:
        """Return the rank of each job's beta among the others, from 0 (lowest) to 1 (highest)."""
        betas = sorted({job.request.train.beta for job in self.jobs})
        last = max(1, len(betas) - 1)
        return [betas.index(job.request.train.beta) / last for job in self.jobs]

    def job_seconds_left(self, job: Job) -> float | None:
        """Estimate the seconds left for a running job, which shares the processor with the others.

        Returns None for a job that does not train, and before the pace is known.
        """
        pace = self._pace()
        if pace is None or job.status != "training":
            return None
        return pace * (1 - job.progress) * sum(other.status == "training" for other in self.jobs)

    def _pace(self) -> float | None:
        """Return the seconds that all steps of one job take; None during the slow first steps."""
        done, left = self._work()
        return self.seconds / done if done > SETTLED_SHARE * (done + left) else None

    def _work(self) -> tuple[float, float]:
        """Return the work done here and the work left, both in whole jobs."""
        left = sum(1 - job.progress for job in self.jobs if not (job.ended or job.stopping))
        trained = (job for job in self.jobs if job.started_at is not None)
        return sum(max(0.0, job.progress - job.progress_at_start) for job in trained), left
