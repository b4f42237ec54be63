"""Trains a run on a machine that may vanish, and publishes its state in a shared folder.

Another machine can then continue the run from the published state.

Example:
    >>> published = find_published(run, RemoteFolder.of("s3://bucket/sweep"), True, False)
    >>> published.status
    'unfinished'
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import DeviceName, pick_device, prepare_device
from vae.core.errors import CheckpointError
from vae.data.splits import Dataset
from vae.jobs.distributed.remote_folder import RemoteFolder
from vae.jobs.distributed.sweep_runs import RunStatus, SweepRun, classify_files
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.recorder import RecordedTraining
from vae.runs.run import Run
from vae.runs.run_folder import check_names


@dataclass(frozen=True)
class PublishedRun:
    """The status of a run of a sweep in the shared folder."""

    run: SweepRun
    folder: RemoteFolder
    """The folder of this run, not of the sweep."""

    status: RunStatus
    finished: Run | None = None
    """The finished run; None if there is something to train."""

    replaces: bytes | None = None
    """The content of run.json of an older run that the new run replaces."""


def find_published(
    run: SweepRun, root: RemoteFolder, resume: bool, overwrite: bool
) -> PublishedRun:
    """Find the status of a run in the shared folder of its sweep.

    Raises CheckpointError if a new run may not be written there, and ConfigError if the run to be
    resumed has other settings.
    """
    remote = root / run.name
    names = remote.names()
    status = classify_files(names, resume)
    if status == "new":
        check_names(remote, names, overwrite)
        old = remote.read(RUN_FILE) if RUN_FILE in names else None
        return PublishedRun(run, remote, status, replaces=old)
    with scratch_folder() as scratch:
        remote.fetch(RESUME_FILE if status == "unfinished" else RUN_FILE, scratch)
        try:
            return PublishedRun(run, remote, status, run.load_finished(scratch, status, remote))
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(scratch), str(remote))) from error


def _no_warnings(run: Run) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class RemoteTask:
    """Everything that a machine needs to train a run, apart from the data set."""

    name: str
    folder: RemoteFolder
    """The folder of this run, not of the sweep."""

    model: ModelConfig
    train: TrainConfig
    device: DeviceName
    threads: int
    save_seconds: float
    """Seconds between two published states."""

    replaces: bytes | None = None
    """The content of run.json of an older run. While it stands there, this run is not finished."""

    check: Callable[[Run], tuple[str, ...]] = _no_warnings
    """Inspects the trained run and returns a sentence for each problem that it finds."""


@dataclass(frozen=True)
class TaskResult:
    """The result of a task."""

    run: Run
    resumed_at: int | None = None
    """The step of the published state from which it continued; None if it started anew."""

    warnings: tuple[str, ...] = ()
    """The sentences of `RemoteTask.check`. It runs while the scratch folder of the run exists."""


def train_published(task: RemoteTask, dataset: Dataset) -> TaskResult:
    """Train in a scratch folder, from the published state if there is one.

    If the machine dies at any moment, any machine may call this again. Raises VaeError if the run
    cannot be trained, read or published.
    """
    prepare_device(task.device, task.threads)
    with scratch_folder() as scratch:
        folder = scratch / task.name
        folder.mkdir()
        names = task.folder.names()
        is_unfinished = RESUME_FILE in names
        if not is_unfinished and RUN_FILE in names and task.folder.read(RUN_FILE) != task.replaces:
            return TaskResult(load_run(task.folder.fetch(RUN_FILE, folder).parent))
        training = _start_or_resume(task, folder, dataset, is_unfinished)
        resumed_at = training.training.step if is_unfinished else None
        for _ in training.run(
            save_seconds=task.save_seconds, on_save=lambda: task.folder.put(folder / RESUME_FILE)
        ):
            pass
        run = training.finish()
        warnings = task.check(run)
        publish(folder, task.folder)
        return TaskResult(run, resumed_at, warnings)


def publish(folder: Path, remote: RemoteFolder) -> None:
    """Copy a checkpoint to a shared folder, `run.json` last, and remove the resume state there."""
    remote.discard(RUN_FILE)
    for file in sorted(folder.iterdir()):
        if file.name != RUN_FILE:
            remote.put(file)
    remote.put(folder / RUN_FILE)
    remote.discard(RESUME_FILE)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder, which is removed in the end; raise CheckpointError if that fails."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="latent-explorer-")
    except OSError as error:
        raise CheckpointError(
            f"no scratch folder can be made ({error}); free some space or set TMPDIR"
        ) from error
    with folder as path:
        yield Path(path)


def _start_or_resume(
    task: RemoteTask, folder: Path, dataset: Dataset, is_unfinished: bool
) -> RecordedTraining:
    device = pick_device(task.device)
    if is_unfinished:
        task.folder.fetch(RESUME_FILE, folder)
        return RecordedTraining.resume(folder, dataset, device)
    return RecordedTraining.start(folder, task.model, task.train, dataset, device)
