"""Finds runs that can be resumed because they have steps left.

Either someone stopped the run, or its process ended before the run did. A stopped run also has a
checkpoint.

Example:
    >>> [run.name for run in unfinished_runs(Path("checkpoints"))]
    []
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from vae.core.access import refuse_if_read_only
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError
from vae.runs.catalogue import folders_in
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.lock import is_locked
from vae.runs.request import RunRequest
from vae.runs.resume import discard_resume_state, load_resume_record, read_resume_configs
from vae.runs.run_folder import check_name, discard_empty


@dataclass(frozen=True)
class UnfinishedRun:
    """A run with a saved state and steps left, in a folder that no process trains in."""

    path: Path
    model: ModelConfig
    train: TrainConfig
    epochs: int
    """Number of finished epochs in the saved state."""

    saved_at: float
    """Time of the saved state, in seconds since 1970."""

    has_checkpoint: bool
    """Whether someone stopped the run, so that the folder holds a checkpoint too."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def request(self) -> RunRequest:
        """The request of this run. Raises VaeError if its data set no longer exists."""
        return RunRequest(self.train, self.model)

    def matches(self, request: RunRequest) -> bool:
        """Tell whether this run has the settings that a request asks for."""
        return request.has_settings(self.model, self.train)

    @property
    def seconds_ago(self) -> float:
        """Seconds since the state was saved."""
        return max(0.0, time.time() - self.saved_at)

    def discard(self) -> None:
        """Remove the saved state, and the folder too if it holds nothing else."""
        refuse_if_read_only("discarding a run")
        discard_resume_state(self.path)
        discard_empty(self.path)


def unfinished_runs(root: Path, excluded: Collection[Path] = ()) -> list[UnfinishedRun]:
    """List the unfinished runs directly below a folder, the latest first.

    States that cannot be read are left out, and so are the `excluded` folders.
    """
    folders = [folder for folder in folders_in(root) if folder not in excluded]
    found = [run for folder in folders if (run := read_unfinished(folder)) is not None]
    return sorted(found, key=lambda run: -run.saved_at)


def read_unfinished(folder: Path) -> UnfinishedRun | None:
    """Read the unfinished run of a folder; None if nothing is left or a process trains there."""
    state = folder / RESUME_FILE
    try:
        if not state.is_file() or is_locked(folder):
            return None
        check_name(folder)
        has_checkpoint = (folder / RUN_FILE).exists()
        if has_checkpoint and not load_run(folder).stopped_early:
            return None
        record = load_resume_record(folder)
        model, train = read_resume_configs(record)
        saved_at = state.stat().st_mtime
    except (CheckpointError, OSError):
        return None
    return UnfinishedRun(folder, model, train, len(record["epochs"]), saved_at, has_checkpoint)
