"""Runs in a shared place: what is there of one, and training it on a machine that may vanish."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vae.analysis.health import check_run
from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import DeviceName, pick_device, prepare_device
from vae.core.errors import CheckpointError
from vae.data.splits import Dataset
from vae.jobs.distributed.remote_folder import Place
from vae.jobs.distributed.sweep_runs import Standing, SweepRun, standing
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.recorder import RecordedTraining
from vae.runs.run import Run
from vae.runs.run_folder import check_names


@dataclass(frozen=True)
class Published:
    """What a place holds of a run of a sweep."""

    run: SweepRun
    place: Place
    """The folder of this run, not of the sweep."""

    standing: Standing
    finished: Run | None = None
    """The run that is kept; None where there is something to train."""

    replaces: bytes | None = None
    """The run.json of an older run, which a new one replaces."""


def published(run: SweepRun, root: Place, resume: bool, overwrite: bool) -> Published:
    """Look up a run of a sweep in the sweep's place.

    CheckpointError where a new one may not be written there, ConfigError where the one to be taken
    up has other settings.
    """
    place = root / run.name
    names = place.names()
    found = standing(names, resume)
    if found == "new":
        check_names(place, names, overwrite)
        old = place.read(RUN_FILE) if RUN_FILE in names else None
        return Published(run, place, found, replaces=old)
    with scratch_folder() as folder:
        place.fetch(RESUME_FILE if found == "unfinished" else RUN_FILE, folder)
        try:
            return Published(run, place, found, run.stored(folder, found, place))
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(folder), str(place))) from error


@dataclass(frozen=True)
class Task:
    """All that a machine needs for a run, apart from the data set."""

    name: str
    place: Place
    """The folder of this run, not of the sweep."""

    model: ModelConfig
    train: TrainConfig
    device: DeviceName
    threads: int
    save_seconds: float
    """Between two published states."""

    replaces: bytes | None = None
    """The run.json of an older run, which does not make this one finished."""


@dataclass(frozen=True)
class Trained:
    """What came of a task."""

    run: Run
    resumed_at: int | None = None
    """The step at which it went on with a published state; None where it began anew."""

    symptoms: tuple[str, ...] = ()
    """What is wrong with the model, a sentence each: its folder is gone by the time it is told."""


def train_published(task: Task, dataset: Dataset) -> Trained:
    """Train in a folder of this machine, from the published state where there is one.

    Killed at any moment, it may be called again, on any machine. Raises VaeError where the run
    cannot be trained, read or published.
    """
    prepare_device(task.device, task.threads)
    with scratch_folder() as scratch:
        folder = scratch / task.name
        folder.mkdir()
        names = task.place.names()
        is_unfinished = RESUME_FILE in names
        if not is_unfinished and RUN_FILE in names and task.place.read(RUN_FILE) != task.replaces:
            return Trained(load_run(task.place.fetch(RUN_FILE, folder).parent))
        training = _take_up(task, folder, dataset, is_unfinished)
        resumed_at = training.training.step if is_unfinished else None
        for _ in training.run(
            save_seconds=task.save_seconds, on_save=lambda: task.place.put(folder / RESUME_FILE)
        ):
            pass
        run = training.finish()
        symptoms = tuple(issue.sentence for issue in check_run(run))
        publish(folder, task.place)
        return Trained(run, resumed_at, symptoms)


def publish(folder: Path, place: Place) -> None:
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


def _take_up(task: Task, folder: Path, dataset: Dataset, is_unfinished: bool) -> RecordedTraining:
    device = pick_device(task.device)
    if is_unfinished:
        task.place.fetch(RESUME_FILE, folder)
        return RecordedTraining.resume(folder, dataset, device)
    return RecordedTraining.start(folder, task.model, task.train, dataset, device)
