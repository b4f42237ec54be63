"""Runs that have steps left: stopped on purpose, or left when their process ended before they did.

Those that were stopped are checkpoints like any other meanwhile.
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
    """A folder with a saved state that has steps left, in which nobody trains."""

    path: Path
    model: ModelConfig
    train: TrainConfig
    epochs: int
    """Finished epochs, as of the state that was saved."""

    saved_at: float
    """When that was, in seconds of the clock since 1970."""

    has_checkpoint: bool
    """Whether it was stopped on purpose: then the folder holds a checkpoint too."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def request(self) -> RunRequest:
        """What it was asked for as; VaeError where its data set is known no more."""
        return RunRequest(self.train, self.model)

    def matches(self, request: RunRequest) -> bool:
        """Whether this run is what a request asks for, so far."""
        model = request.model_for(self.model.image_shape, self.model.classes)
        return (model, request.train) == (self.model, self.train)

    @property
    def seconds_ago(self) -> float:
        """Since the state was saved."""
        return max(0.0, time.time() - self.saved_at)

    def discard(self) -> None:
        """Remove the state, and the folder unless it holds anything else, such as a checkpoint."""
        refuse_if_read_only("discarding a run")
        discard_resume_state(self.path)
        discard_empty(self.path)


def unfinished_runs(root: Path, taken: Collection[Path] = ()) -> list[UnfinishedRun]:
    """Those right below a folder, the latest first, without those that are taken.

    States that cannot be read are left out.
    """
    folders = [folder for folder in folders_in(root) if folder not in taken]
    found = [run for folder in folders if (run := read_unfinished(folder)) is not None]
    return sorted(found, key=lambda run: -run.saved_at)


def read_unfinished(folder: Path) -> UnfinishedRun | None:
    """What is left of a folder's run, if it has steps left and nobody goes on with it."""
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
