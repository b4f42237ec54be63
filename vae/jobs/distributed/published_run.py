"""Runs in a shared place: what is there of one, and training it on a machine that may vanish."""

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
    """What a place holds of a run of a sweep."""

    run: SweepRun
    folder: RemoteFolder
    """The folder of this run, not of the sweep."""

    status: RunStatus
    finished: Run | None = None
    """The run that is kept; None where there is something to train."""

    replaces: bytes | None = None
    """The run.json of an older run, which a new one replaces."""


def find_published(
    run: SweepRun, root: RemoteFolder, resume: bool, overwrite: bool
) -> PublishedRun:
    """Look up a run of a sweep in the sweep's place.

    CheckpointError where a new one may not be written there, ConfigError where the one to be taken
    up has other settings.
    """
    place = root / run.name
    names = place.names()
    found = classify_files(names, resume)
    if found == "new":
        check_names(place, names, overwrite)
        old = place.read(RUN_FILE) if RUN_FILE in names else None
        return PublishedRun(run, place, found, replaces=old)
    with scratch_folder() as folder:
        place.fetch(RESUME_FILE if found == "unfinished" else RUN_FILE, folder)
        try:
            return PublishedRun(run, place, found, run.stored(folder, found, place))
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(folder), str(place))) from error


def _no_warnings(run: Run) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class RemoteTask:
    """All that a machine needs for a run, apart from the data set."""

    name: str
    folder: RemoteFolder
    """The folder of this run, not of the sweep."""

    model: ModelConfig
    train: TrainConfig
    device: DeviceName
    threads: int
    save_seconds: float
    """Between two published states."""

    replaces: bytes | None = None
    """The run.json of an older run, which does not make this one finished."""

    check: Callable[[Run], tuple[str, ...]] = _no_warnings
    """Inspects the trained run and returns a sentence for each problem that it finds."""


@dataclass(frozen=True)
class TaskResult:
    """What came of a task."""

    run: Run
    resumed_at: int | None = None
    """The step at which it went on with a published state; None where it began anew."""

    warnings: tuple[str, ...] = ()
    """What `RemoteTask.check` found. The scratch folder of the run is gone by then."""


def train_published(task: RemoteTask, dataset: Dataset) -> TaskResult:
    """Train in a folder of this machine, from the published state where there is one.

    Killed at any moment, it may be called again, on any machine. Raises VaeError where the run
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


def publish(folder: Path, place: RemoteFolder) -> None:
    """Copy a finished checkpoint to a place, `run.json` last, and forget its unfinished state."""
    place.discard(RUN_FILE)
    for file in sorted(folder.iterdir()):
        if file.name != RUN_FILE:
            place.put(file)
    place.put(folder / RUN_FILE)
    place.discard(RESUME_FILE)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is removed again; CheckpointError where the disk refuses to make one."""
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
