"""What trains the jobs of the queue: those that can, step by step together, the others by turns."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import UInt8

from vae.config import TrainConfig
from vae.data.registry import load_dataset
from vae.data.splits import Dataset
from vae.device import pick_device
from vae.errors import DataError, DivergedError, VaeError
from vae.queue.jobs import Job, Snapshot
from vae.recorder import RecordedCohort, RecordedTraining, grouped
from vae.training import Report

SNAPSHOT_IMAGES = 10
MAX_SNAPSHOTS = 200

_log = logging.getLogger(__name__)


def train_jobs(jobs: Sequence[Job], data: "OneDataset") -> None:
    """Train until all of them have ended; whatever goes wrong ends jobs, not the caller."""
    begun = {held.run: held for job in jobs if (held := _begin(job, data)) is not None}
    under_way = deque(_Group([begun[run] for run in group]) for group in grouped(begun))
    while under_way:
        group = under_way.popleft()
        if group.take_turn():
            under_way.append(group)


class OneDataset:
    """The data set read last, or why it could not be: the jobs of a sweep share it."""

    def __init__(self) -> None:
        self._wanted: tuple[str, float] | None = None
        self._found: Dataset | DataError | None = None

    def of(self, train: TrainConfig) -> Dataset:
        """The data set to train on; DataError where it cannot be read."""
        wanted = train.dataset, train.validation_fraction
        if self._found is None or self._wanted != wanted:
            self._wanted, self._found = wanted, None
            self._found = _read(*wanted)
        if isinstance(self._found, DataError):
            raise self._found
        return self._found


def _read(name: str, validation_fraction: float) -> Dataset | DataError:
    try:
        return load_dataset(name, validation_fraction=validation_fraction)
    except DataError as error:
        return error


@contextmanager
def _failing(*jobs: Job) -> Iterator[None]:
    """What goes wrong ends the jobs, not the worker."""
    try:
        yield
    except VaeError as error:
        _fail(jobs, str(error))
    except Exception:
        # A bug or a full machine: the worker must outlive it, and the log must show it.
        _log.exception("training %s failed", ", ".join(job.name for job in jobs))
        _fail(jobs, "an unexpected error; the server's log has the details")


def _fail(jobs: Sequence[Job], message: str) -> None:
    for job in jobs:
        if not job.ended:
            job.end("failed", message)


def _begin(job: Job, data: "OneDataset") -> "_Recorded | None":
    with _failing(job):
        return _Recorded(job, data.of(job.request.train))
    return None


class _Recorded:
    """A job's run while it trains."""

    def __init__(self, job: Job, dataset: Dataset) -> None:
        request = job.request
        model = request.model(dataset.image_shape, len(dataset.class_names))
        self.job = job
        self.run = RecordedTraining.start(
            job.path, model, request.train, dataset, pick_device("auto")
        )
        self._pictures = _Pictures(dataset, request.latent_dim)
        job.originals = self._pictures.originals
        job.snapshots.append(self._pictures.take(0, self.run))
        job.status, job.begun = "training", time.monotonic()

    def note(self, report: Report | DivergedError) -> None:
        """Show what a report says, and end the job where it is at its end."""
        if isinstance(report, DivergedError):
            raise report
        self.job.latest = report
        if report.ends_epoch:
            self.job.epochs.append(report)
            _keep(self.job.snapshots, self._pictures.take(report.epoch, self.run))
        if self.run.training.finished or self.job.stopping:
            self.job.status = "saving"
            self.run.finish()
            self.job.end("done" if self.run.training.finished else "stopped")


class _Group:
    """Jobs whose models train step by step together."""

    def __init__(self, members: Sequence[_Recorded]) -> None:
        self._members = {member.run: member for member in members}
        self._cohort = RecordedCohort(list(self._members))
        self._reports = self._cohort.run()

    def take_turn(self) -> bool:
        """Train until the next report; whether there is anything left to train."""
        reports: dict[RecordedTraining, Report | DivergedError] = {}
        with _failing(*(member.job for member in self._members.values())):
            reports = next(self._reports)
        for run, report in reports.items():
            self._note(self._members[run], report)
        return bool(reports) and bool(self._members)

    def _note(self, member: _Recorded, report: Report | DivergedError) -> None:
        with _failing(member.job):
            member.note(report)
        if member.job.ended:
            self._cohort.drop(member.run)
            del self._members[member.run]


def _keep(snapshots: list[Snapshot], latest: Snapshot) -> None:
    if len(snapshots) >= MAX_SNAPSHOTS:
        del snapshots[1::2]
    snapshots.append(latest)


class _Pictures:
    """The fixed images and codes that every snapshot shows."""

    def __init__(self, dataset: Dataset, latent_dim: int) -> None:
        chosen = _one_per_class(dataset.test.labels)
        self._images, self._labels = dataset.test.batch(chosen), dataset.test.labels[chosen]
        noise = torch.Generator().manual_seed(0)
        self._codes = torch.randn(SNAPSHOT_IMAGES, latent_dim, generator=noise)
        self.originals = _pixels(self._images)

    @torch.inference_mode()
    def take(self, epoch: int, recorded: RecordedTraining) -> Snapshot:
        training = recorded.training
        model = training.model.at_beta(training.config.beta)
        labels = self._labels.to(model.device)
        means = model.encode(self._images.to(model.device), labels=labels).mean
        reconstructions = _pixels(model.decode_mean(means, labels=labels))
        codes, cycled = (
            model.from_noise(self._codes.to(model.device)),
            torch.arange(SNAPSHOT_IMAGES) % len(labels),
        )
        samples = _pixels(model.decode_mean(codes, labels=labels[cycled.to(model.device)]))
        return Snapshot(epoch, reconstructions, samples)


def _one_per_class(labels: torch.Tensor) -> torch.Tensor:
    firsts = [int((labels == value).nonzero()[0]) for value in labels.unique()]
    others = [i for i in range(len(labels)) if i not in firsts]
    return torch.tensor([*firsts, *others][:SNAPSHOT_IMAGES])


def _pixels(images: torch.Tensor) -> UInt8[np.ndarray, "n h w c"]:
    return (images.cpu() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
