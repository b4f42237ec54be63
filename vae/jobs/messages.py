"""What the server and its training process say to each other."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vae.jobs.jobs import Snapshot, Status
from vae.runs.request import RunRequest
from vae.training import Report


@dataclass(frozen=True)
class JobSpec:
    """One job, as the training process is told of it."""

    number: int
    request: RunRequest
    path: Path
    resumes: bool = False
    """Whether it goes on from the state that its folder holds."""

    evaluate_only: bool = False
    """Whether it ends there, and what there is gets measured and kept."""


@dataclass(frozen=True)
class Train:
    """To the process: train these together; `AllEnded` comes when none is left."""

    jobs: tuple[JobSpec, ...]
    data_dir: Path
    save_seconds: float
    """How often the state of each run is saved."""


@dataclass(frozen=True)
class Stop:
    """To the process: measure one job as it stands, and keep it."""

    number: int


@dataclass(frozen=True)
class Accepted:
    """A `Train` has been heard: what happens from here on, it may have brought about."""


@dataclass(frozen=True)
class Started:
    """A job's data are read; it begins, or goes on after some epochs."""

    number: int
    epoch: int
    originals: UInt8[np.ndarray, "n h w c"]
    snapshot: Snapshot


@dataclass(frozen=True)
class Reported:
    """How a job stands, with pictures at the end of an epoch."""

    number: int
    report: Report
    snapshot: Snapshot | None


@dataclass(frozen=True)
class Saving:
    """A job is measured and saved."""

    number: int


@dataclass(frozen=True)
class Ended:
    """A job has ended."""

    number: int
    status: Status
    message: str = ""
    has_checkpoint: bool = False
    """Whether it left a checkpoint."""

    details: str = ""
    """Of a bug, for the log."""


@dataclass(frozen=True)
class AllEnded:
    """All jobs of a `Train` have ended."""


Command = Train | Stop
Event = Accepted | Started | Reported | Saving | Ended | AllEnded
