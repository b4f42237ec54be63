"""Messages between the server and its training process.

The server sends a `Command`. The process answers with any number of `Event`s:

    Train   ->  Accepted, then for each job Started, Reported ..., Saving, Ended; then AllEnded
    Stop    ->  nothing of its own: the job's Saving and Ended come earlier

Example:
    >>> Train((JobSpec(1, request, Path("checkpoints/mine")),), data_dir(), save_seconds=20.0)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vae.jobs.jobs import Snapshot, Status
from vae.runs.request import RunRequest
from vae.training import Report


@dataclass(frozen=True)
class JobSpec:
    """Describes one job to the training process."""

    number: int
    request: RunRequest
    path: Path
    resumes: bool = False
    """Whether the job continues from the state saved in its folder."""

    evaluate_only: bool = False
    """Whether the job trains no further: its saved state is evaluated and kept."""


@dataclass(frozen=True)
class Train:
    """Command: train these jobs together; `AllEnded` follows when none is left."""

    jobs: tuple[JobSpec, ...]
    data_dir: Path
    save_seconds: float
    """Seconds between two saved states of each run."""


@dataclass(frozen=True)
class Stop:
    """Command: stop one job, evaluate it and keep its checkpoint."""

    number: int


@dataclass(frozen=True)
class Accepted:
    """Event: a `Train` has arrived. If the process dies later, its jobs may be the cause."""


@dataclass(frozen=True)
class Started:
    """Event: a job has loaded its data and begins, or continues after some epochs."""

    number: int
    epoch: int
    originals: UInt8[np.ndarray, "n h w c"]
    snapshot: Snapshot


@dataclass(frozen=True)
class Reported:
    """Event: the progress of a job, with a snapshot at the end of an epoch."""

    number: int
    report: Report
    snapshot: Snapshot | None


@dataclass(frozen=True)
class Saving:
    """Event: a job is being evaluated and saved."""

    number: int


@dataclass(frozen=True)
class Ended:
    """Event: a job has ended."""

    number: int
    status: Status
    message: str = ""
    has_checkpoint: bool = False
    """Whether the job left a checkpoint."""

    details: str = ""
    """Traceback of an unexpected error, for the log."""


@dataclass(frozen=True)
class AllEnded:
    """Event: all jobs of a `Train` have ended."""


Command = Train | Stop
Event = Accepted | Started | Reported | Saving | Ended | AllEnded
