"""Trains the jobs of one submission inside the worker process.

Jobs whose models can share a step train together in a group. The groups take turns between two
reports.

Example:
    >>> train_jobs([JobSpec(1, request, path)], DatasetCache(), print, CancelFlags())
"""

import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from vae.core.config import TrainConfig
from vae.core.device import pick_device
from vae.core.errors import DataError, DivergedError, VaeError
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.jobs.cancellation import CancelFlags
from vae.jobs.jobs import Snapshot, Status
from vae.jobs.messages import Ended, Event, JobSpec, Reported, Saving, Started
from vae.models.condition import Condition
from vae.runs.lock import RunLock
from vae.runs.recorder import SAVE_SECONDS, RecordedRunGroup, RecordedTraining, group_runs
from vae.runs.resume import load_resume_record, read_resume_configs
from vae.runs.run_folder import discard_empty
from vae.training import Report

SNAPSHOT_IMAGES = 10
SLOW_SECONDS = 0.5
"""Processor seconds between two reports above which the state is saved at each report."""

NO_MEMORY = "there is not enough memory for it here; choose a smaller batch or network"
OUT_OF_MEMORY = ("allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Parts of error messages of torch that mean out of memory but have no error class."""

UNEXPECTED = "an unexpected error; the server's log has the details"

Emit = Callable[[Event], object]


def train_jobs(
    specs: Sequence[JobSpec],
    data: "DatasetCache",
    emit: Emit,
    flags: CancelFlags,
    save_seconds: float = SAVE_SECONDS,
) -> None:
    """Train jobs until all of them have ended. An error ends jobs and is not raised.

    If the server is gone, the states of the jobs are saved and training ends.
    """
    jobs = [_RunningJob(spec, emit, flags) for spec in specs]
    by_run = {job.run: job for job in jobs if job.begin(data)}
    under_way = deque(
        _JobGroup([by_run[run] for run in group], save_seconds) for group in group_runs(by_run)
    )
    while under_way and not flags.server_gone.is_set():
        _end_due(under_way)
        group = under_way.popleft()
        if not group.is_empty:
            under_way.append(group)
            group.train_until_report()
            if any(other.is_slow for other in under_way):
                group.save_states()
    for group in under_way:
        group.save_states()


def _end_due(under_way: Collection["_JobGroup"]) -> None:
    """Evaluate and save the jobs that are trained to their end or that should stop.

    An evaluation may take long and be interrupted. The states of all jobs are saved first, so that
    no training steps are lost.
    """
    due = [member for group in under_way for member in group.members if member.is_due]
    if not due:
        return
    for group in under_way:
        group.save_states()
    for member in due:
        member.begin_saving()
    for member in due:
        member.save()
    for group in under_way:
        group.drop_ended()


class DatasetCache:
    """Keeps the data set that was loaded last, or its error, for the jobs of a sweep to share."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._requested: tuple[object, ...] | None = None
        self._found: Dataset | DataError | None = None

    def of(self, train: TrainConfig, shape: tuple[int, int, int] | None = None) -> Dataset:
        """Load the data set of a training, with images of the given shape.

        Raises DataError if it cannot be loaded.
        """
        wanted = train.dataset, train.validation_fraction, shape
        if self._found is None or self._requested != wanted:
            self._requested, self._found = wanted, None
            self._found = self._read(train, shape)
        if isinstance(self._found, DataError):
            raise self._found
        return self._found

    def _read(self, train: TrainConfig, shape: tuple[int, int, int] | None) -> Dataset | DataError:
        try:
            return load_dataset(
                train.dataset,
                self._directory,
                validation_fraction=train.validation_fraction,
                image_shape=shape,
            )
        except DataError as error:
            return error


class _RunningJob:
    """A job while it trains in this process."""

    run: RecordedTraining

    def __init__(self, spec: JobSpec, emit: Emit, flags: CancelFlags) -> None:
        self.spec = spec
        self.ended = False
        self._emit, self._flags = emit, flags
        self._lock: RunLock | None = None

    @property
    def cancelled(self) -> bool:
        """Whether someone asked the job to stop."""
        return self._flags.cancelled(self.spec.number)

    def begin(self, data: DatasetCache) -> bool:
        """Load the data and start the run. Return whether the job trains from here on."""
        with _errors_end_jobs(self):
            self._lock = RunLock.acquire(self.spec.path)
            dataset = self._open(data)
            self._flags.data_loaded(self.spec.number)
            if self.cancelled and not self.spec.resumes:
                self.end(Ended(self.spec.number, "stopped", "stopped before it began"))
                return False
            self._snapshots = _SnapshotMaker(dataset, self.run.training.model.config.latent_dim)
            epoch = self.run.training.step // self.run.training.steps_per_epoch
            first = self._snapshots.snapshot(epoch, self.run)
            self._emit(Started(self.spec.number, epoch, self._snapshots.originals, first))
        return not self.ended

    def _open(self, data: DatasetCache) -> Dataset:
        spec, device = self.spec, pick_device("auto")
        if spec.resumes:
            model, train = read_resume_configs(load_resume_record(spec.path))
            dataset = data.of(train, model.image_shape)
            self.run = RecordedTraining.resume(spec.path, dataset, device)
            return dataset
        dataset = data.of(spec.request.train)
        model = spec.request.model_for(dataset.image_shape, len(dataset.class_names))
        self.run = RecordedTraining.start(spec.path, model, spec.request.train, dataset, device)
        return dataset

    def handle_report(self, report: Report | DivergedError) -> None:
        """Emit a report, with a snapshot at the end of an epoch; raise a DivergedError."""
        if isinstance(report, DivergedError):
            raise report
        snapshot = self._snapshots.snapshot(report.epoch, self.run) if report.ends_epoch else None
        self._emit(Reported(self.spec.number, report, snapshot))

    @property
    def is_due(self) -> bool:
        """Whether the job should be evaluated and saved now."""
        is_over = self.run.training.finished or self.spec.evaluate_only
        return not self.ended and (is_over or self.cancelled)

    def begin_saving(self) -> None:
        """Tell the server that the job trains no more and is being evaluated."""
        if not self.ended:
            self._flags.acknowledge(self.spec.number)
            self._emit(Saving(self.spec.number))

    def save(self) -> None:
        """Evaluate the run and write its checkpoint."""
        if not self.ended:
            with _errors_end_jobs(self):
                self.run.finish()
                self.end(Ended(self.spec.number, self._outcome(), has_checkpoint=True))

    def _outcome(self) -> Status:
        return "done" if self.run.training.finished else "stopped"

    def fail(self, message: str, details: str = "") -> None:
        """End the job with an error message, unless it has ended. The details go to the log."""
        if not self.ended:
            self.end(Ended(self.spec.number, "failed", message, details=details))

    def end(self, event: Ended) -> None:
        """End the job, release its folder and remove the folder if it is empty."""
        self.ended = True
        self._flags.end(self.spec.number)
        if self._lock is not None:
            self._lock.release()
            discard_empty(self.spec.path)
        self._emit(event)


@contextmanager
def _errors_end_jobs(*jobs: _RunningJob) -> Iterator[None]:
    """Turn an error inside the block into the end of the jobs. The process continues."""
    try:
        yield
    except VaeError as error:
        _fail(jobs, str(error))
    except Exception as error:
        if is_out_of_memory(error):
            _fail(jobs, NO_MEMORY)
        else:
            # An unexpected error must not end the process, and the log must show it.
            _fail(jobs, UNEXPECTED, traceback.format_exc())


def _fail(jobs: Sequence[_RunningJob], message: str, details: str = "") -> None:
    for job in jobs:
        job.fail(message, details)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error means out of memory. Torch often says so in its message alone."""
    has_class = isinstance(error, MemoryError | torch.OutOfMemoryError)
    says_so = any(words in str(error) for words in OUT_OF_MEMORY)
    return has_class or (isinstance(error, RuntimeError) and says_so)


class _JobGroup:
    """Jobs whose models train together, step by step."""

    def __init__(self, members: Sequence[_RunningJob], save_seconds: float) -> None:
        self._members = {member.run: member for member in members}
        self._group = RecordedRunGroup(list(self._members))
        # The first epoch shows how long an evaluation takes.
        self._group.set_report_before_epoch_end(True)
        self._evaluates_slowly = True
        self._reports = self._group.run(save_seconds=save_seconds)
        self.is_slow = False
        """Whether its steps take so long that a stop may have to interrupt them."""

    @property
    def members(self) -> list[_RunningJob]:
        """The jobs that have not ended."""
        return list(self._members.values())

    @property
    def is_empty(self) -> bool:
        """Whether all jobs have ended."""
        return not self._members

    def train_until_report(self) -> None:
        """Train until the next report."""
        if self._evaluates_slowly and self._ends_epoch_next():
            # A stop during the evaluation then costs at most the last step of the epoch.
            self.save_states()
        started = time.process_time()
        reports: dict[RecordedTraining, Report | DivergedError] = {}
        with _errors_end_jobs(*self.members):
            reports = next(self._reports)
        for run, report in reports.items():
            with _errors_end_jobs(self._members[run]):
                self._members[run].handle_report(report)
        self._measure_speed(time.process_time() - started, reports.values())
        self.drop_ended()

    def save_states(self) -> None:
        """Save the states of all jobs, so that they can be resumed."""
        for member in self.members:
            with _errors_end_jobs(member):
                member.run.save_state()
        self.drop_ended()

    def drop_ended(self) -> None:
        """Remove the jobs that have ended."""
        for member in self.members:
            if member.ended:
                self._group.drop(member.run)
                del self._members[member.run]

    def _ends_epoch_next(self) -> bool:
        return any(run.training.step and run.training.next_step_ends_epoch for run in self._members)

    def _measure_speed(self, seconds: float, reports: Iterable[Report | DivergedError]) -> None:
        """Learn from the duration of a turn whether a stop may interrupt the next one."""
        closes = any(isinstance(report, Report) and report.ends_epoch for report in reports)
        if closes:
            self._evaluates_slowly = seconds > SLOW_SECONDS
            self._group.set_report_before_epoch_end(self._evaluates_slowly)
        if not closes or not self._evaluates_slowly:
            self.is_slow = seconds > SLOW_SECONDS


class _SnapshotMaker:
    """Makes snapshots of a run from the same images and codes each time."""

    def __init__(self, dataset: Dataset, latent_dim: int) -> None:
        chosen = _one_per_class(dataset.test.labels)
        self._images, self._labels = dataset.test.batch(chosen), dataset.test.labels[chosen]
        noise = torch.Generator().manual_seed(0)
        self._codes = torch.randn(SNAPSHOT_IMAGES, latent_dim, generator=noise)
        self.originals = _pixels(self._images)

    @torch.inference_mode()
    def snapshot(self, epoch: int, recorded: RecordedTraining) -> Snapshot:
        """Reconstruct the images and decode the codes with the present model."""
        training = recorded.training
        model = training.model.at_beta(training.config.beta)
        labels = self._labels.to(model.device)
        means = model.encode(self._images.to(model.device), Condition(labels=labels)).mean
        reconstructions = _pixels(model.decode_mean(means, Condition(labels=labels)))
        codes = model.prior_sample(self._codes.to(model.device))
        cycled = labels[torch.arange(SNAPSHOT_IMAGES, device=model.device) % len(labels)]
        samples = _pixels(model.decode_mean(codes, Condition(labels=cycled)))
        return Snapshot(epoch, reconstructions, samples)


def _one_per_class(labels: torch.Tensor) -> torch.Tensor:
    firsts = [int((labels == value).nonzero()[0]) for value in labels.unique()]
    others = [i for i in range(len(labels)) if i not in firsts]
    return torch.tensor([*firsts, *others][:SNAPSHOT_IMAGES])


def _pixels(images: torch.Tensor) -> UInt8[np.ndarray, "n h w c"]:
    return (images.cpu() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
