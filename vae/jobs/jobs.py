"""Jobs: the trainings of the server, one by one and in sweeps."""

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
"""How much of a sweep is done before it tells how long the rest takes."""


@dataclass(frozen=True)
class Snapshot:
    """What the model made of the same images and the same codes at the end of an epoch."""

    epoch: int
    reconstructions: UInt8[np.ndarray, "n h w c"]
    samples: UInt8[np.ndarray, "n h w c"]


@dataclass(eq=False)
class Job:
    """One training: written by its queue and the worker, read by any page."""

    number: int
    request: RunRequest
    path: Path
    submission: int
    """Jobs of one batch were asked for together, and train together."""

    resumes: bool = False
    """Whether it goes on from a state that its folder holds."""

    status: Status = "queued"
    message: str = ""
    latest: Report | None = None
    epochs: list[Report] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    originals: UInt8[np.ndarray, "n h w c"] | None = None
    started_at: float | None = None
    """When its training began, by the monotonic clock, its data read; None before.

    None for good where it was trained before the server was started.
    """

    progress_at_start: float = 0.0
    """How much of its steps had been done when its training began here, 0 to 1."""

    ended_at: float | None = None
    """When it ended, by the monotonic clock."""

    has_checkpoint: bool = False
    """Whether it has left a checkpoint: also one that was stopped after it had begun."""

    _stop: threading.Event = field(default_factory=threading.Event)
    _skip_evaluation: threading.Event = field(default_factory=threading.Event)
    """Set where somebody did not want to wait until it was measured."""

    @property
    def name(self) -> str:
        """The name that the checkpoint has when the job is done."""
        return self.path.name

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return self.status in ENDED

    @property
    def stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stop.is_set()

    @property
    def progress(self) -> float:
        """How much of its steps is done, 0 to 1."""
        return self.latest.step / self.latest.steps if self.latest else 0.0

    def end(self, status: Status, message: str = "") -> None:
        """Nothing more will change from here on."""
        self.message, self.ended_at = message, time.monotonic()
        self.status = status


@dataclass(frozen=True, eq=False)
class Sweep:
    """Jobs that somebody asked for together, in their order; all have as many steps."""

    number: int
    jobs: tuple[Job, ...]
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return all(job.ended for job in self.jobs)

    @property
    def seconds(self) -> float:
        """Since the training of the first of them began, until the last of them ended."""
        begun = [job.started_at for job in self.jobs if job.started_at is not None]
        if not begun:
            return 0.0
        ends = [job.ended_at for job in self.jobs if job.ended_at is not None]
        return (max(ends) if self.ended and ends else time.monotonic()) - min(begun)

    @property
    def progress(self) -> float:
        """How much is done of what is not given up, 0 to 1."""
        done, left = self._work()
        return done / (done + left) if done + left else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the pace so far; None before there is one."""
        pace, left = self._pace(), self._work()[1]
        return None if pace is None else pace * left

    @property
    def title(self) -> str:
        """What its runs have in common."""
        request = self.jobs[0].request
        data = dataset_title(request.train.dataset)
        return f"{data}, {request.model.architecture}, {request.model.latent_dim} latent"

    def beta_positions(self) -> list[float]:
        """Where each job's beta stands among the others, from 0, the lowest, to 1."""
        betas = sorted({job.request.train.beta for job in self.jobs})
        last = max(1, len(betas) - 1)
        return [betas.index(job.request.train.beta) / last for job in self.jobs]

    def job_seconds_left(self, job: Job) -> float | None:
        """Estimated for one of the jobs under way, which shares its time with the others."""
        pace = self._pace()
        if pace is None or job.status != "training":
            return None
        return pace * (1 - job.progress) * sum(other.status == "training" for other in self.jobs)

    def _pace(self) -> float | None:
        """Seconds for one job's steps; the first ones are slow and tell nothing."""
        done, left = self._work()
        return self.seconds / done if done > SETTLED_SHARE * (done + left) else None

    def _work(self) -> tuple[float, float]:
        left = sum(1 - job.progress for job in self.jobs if not (job.ended or job.stopping))
        trained = (job for job in self.jobs if job.started_at is not None)
        return sum(max(0.0, job.progress - job.progress_at_start) for job in trained), left
