"""Training beside the pages: one queue, one worker thread, jobs that anyone can watch or stop.

The jobs of a sweep take turns, so that all its models grow together; whatever was asked for later
waits for them.
"""

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8

from vae.catalogue import run_name, unused_path
from vae.config import Architecture, Likelihood, ModelConfig, TrainConfig, check_together
from vae.data import Dataset, check_dataset_name, dataset_title, load_dataset
from vae.device import pick_device, yield_to_others
from vae.errors import ConfigError, DataError, VaeError
from vae.recorder import RecordedTraining
from vae.train import Report

Status = Literal["queued", "loading", "training", "saving", "done", "stopped", "failed"]
ENDED: frozenset[Status] = frozenset({"done", "stopped", "failed"})
AT_ONCE = 10
"""Jobs of a sweep that take turns; the rest of it waits, so that memory has a bound."""

SETTLED_SHARE = 0.03
"""How much of a sweep is done before it tells how long the rest takes."""

SNAPSHOT_IMAGES = 10
MAX_SNAPSHOTS = 200
REMEMBERED_PICTURES = 20
"""Jobs whose snapshots are kept; those of older ones are let go, their checkpoints stay."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What somebody wants trained."""

    train: TrainConfig
    architecture: Architecture
    latent_dim: int
    likelihood: Likelihood = "bernoulli"
    beta_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """VaeError for settings that cannot be; whether the data are there shows in the job."""
        check_dataset_name(self.train.dataset)
        check_together(self.model((1, 8, 8)), self.train)

    @property
    def label(self) -> str:
        """What sets it apart in a sweep, besides its seed, such as "β 4"."""
        if self.beta_range is not None:
            return "all β"
        return f"{'β-TC' if self.train.objective == 'beta-tcvae' else 'β'} {self.train.beta:g}"

    def model(self, image_shape: tuple[int, int, int]) -> ModelConfig:
        """The network, once the images are known."""
        return ModelConfig(
            image_shape,
            self.latent_dim,
            self.architecture,
            self.likelihood,
            beta_range=self.beta_range,
        )


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
    request: Request
    path: Path
    batch: int
    """Jobs of one batch were asked for together, and take turns."""

    status: Status = "queued"
    message: str = ""
    latest: Report | None = None
    epochs: list[Report] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    originals: UInt8[np.ndarray, "n h w c"] | None = None
    begun: float | None = None
    """When its training began, by the monotonic clock, its data read; None before."""

    finished: float | None = None
    """When it ended, by the monotonic clock."""

    _stop: threading.Event = field(default_factory=threading.Event)

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
    def kept(self) -> bool:
        """Whether it has left a checkpoint: also one that was stopped after it had begun."""
        return self.status == "done" or (self.status == "stopped" and self.latest is not None)

    @property
    def share(self) -> float:
        """How much of its steps is done, 0 to 1."""
        return self.latest.step / self.latest.steps if self.latest else 0.0

    def end(self, status: Status, message: str = "") -> None:
        """Nothing more will change from here on."""
        self.message, self.finished = message, time.monotonic()
        self.status = status


@dataclass(frozen=True, eq=False)
class Sweep:
    """Jobs that somebody asked for together, in their order; all have as many steps."""

    number: int
    jobs: tuple[Job, ...]
    _given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will change."""
        return all(job.ended for job in self.jobs)

    @property
    def seconds(self) -> float:
        """Since the training of the first of them began, until the last of them ended."""
        begun = [job.begun for job in self.jobs if job.begun is not None]
        if not begun:
            return 0.0
        ends = [job.finished for job in self.jobs if job.finished is not None]
        return (max(ends) if self.ended and ends else time.monotonic()) - min(begun)

    @property
    def share(self) -> float:
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
        return f"{data}, {request.architecture}, {request.latent_dim} latent"

    def places(self) -> list[float]:
        """Where each job's beta stands among the others, from 0, the lowest, to 1."""
        betas = sorted({job.request.train.beta for job in self.jobs})
        last = max(1, len(betas) - 1)
        return [betas.index(job.request.train.beta) / last for job in self.jobs]

    def job_seconds_left(self, job: Job) -> float | None:
        """Estimated for one of the jobs under way, which shares its time with the others."""
        pace = self._pace()
        if pace is None or job.status != "training":
            return None
        return pace * (1 - job.share) * sum(other.status == "training" for other in self.jobs)

    def _pace(self) -> float | None:
        """Seconds for one job's steps; the first ones are slow and tell nothing."""
        done, left = self._work()
        return self.seconds / done if done > SETTLED_SHARE * (done + left) else None

    def _work(self) -> tuple[float, float]:
        left = sum(1 - job.share for job in self.jobs if not (job.ended or job.stopping))
        return sum(job.share for job in self.jobs), left


class TrainingQueue:
    """Trains jobs in the order in which they were asked for; those of a sweep take turns."""

    def __init__(self, root: Path) -> None:
        self.jobs: list[Job] = []
        self.sweeps: list[Sweep] = []
        self._root = root
        self._numbers = itertools.count(1)
        self._batches = itertools.count(1)
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(self, request: Request) -> Job:
        """Queue a request; the same request while one is under way gives the same job."""
        with self._changed:
            return self._submit(request, next(self._batches))

    def submit_all(self, requests: Sequence[Request]) -> Sweep:
        """Queue requests as one sweep.

        Those that are under way already are shared; a sweep of the same jobs is the same sweep.
        """
        if not requests:
            raise ConfigError("a sweep needs one run or more")
        with self._changed:
            batch = next(self._batches)
            jobs = tuple(dict.fromkeys(self._submit(request, batch) for request in requests))
            for sweep in self.sweeps:
                if sweep.jobs == jobs and not sweep._given_up.is_set():
                    return sweep
            sweep = Sweep(len(self.sweeps) + 1, jobs)
            self.sweeps.append(sweep)
            return sweep

    def stop(self, job: Job) -> None:
        """Take a job out of the queue, or stop it at its next report and keep what there is."""
        with self._changed:
            job._stop.set()
            if job.status == "queued":
                job.end("stopped", "stopped before it began")

    def stop_all(self, sweep: Sweep) -> None:
        """Stop all jobs of a sweep, save those that another sweep under way waits for too."""
        sweep._given_up.set()
        going_on = [other for other in self.sweeps if not other._given_up.is_set()]
        wanted = {job for other in going_on for job in other.jobs}
        for job in sweep.jobs:
            if not job.ended and job not in wanted:
                self.stop(job)

    def _submit(self, request: Request, batch: int) -> Job:
        for job in self.jobs:
            if job.request == request and not job.ended and not job.stopping:
                return job
        job = Job(next(self._numbers), request, self._path(request), batch)
        self.jobs.append(job)
        for old in self.jobs[:-REMEMBERED_PICTURES]:
            if old.ended:
                old.snapshots.clear()
        self._changed.notify()
        return job

    def _path(self, request: Request) -> Path:
        name = run_name(request.train, request.architecture, request.latent_dim, request.beta_range)
        return unused_path(self._root, name, {job.path for job in self.jobs})

    def _work(self) -> None:
        torch.set_num_threads(1)
        yield_to_others()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(job.status == "queued" for job in self.jobs))
                batch = next(job.batch for job in self.jobs if job.status == "queued")
            self._train_batch(batch)

    def _train_batch(self, batch: int) -> None:
        """Train the jobs of a batch by turns: a turn lasts until the next report."""
        read = _OneDataset()
        under_way: deque[tuple[Job, Iterator[None]]] = deque()
        while True:
            while len(under_way) < AT_ONCE and (job := self._take(batch)):
                under_way.append((job, _train(job, read)))
            if not under_way:
                return
            job, turns = under_way.popleft()
            if _take_turn(job, turns):
                under_way.append((job, turns))

    def _take(self, batch: int) -> Job | None:
        with self._changed:
            queued = (job for job in self.jobs if job.batch == batch and job.status == "queued")
            job = next(queued, None)
            if job is not None:
                job.status = "loading"
            return job


class _OneDataset:
    """The data set read last, or why it could not be: the jobs of a sweep share it."""

    def __init__(self) -> None:
        self._wanted: tuple[str, float] | None = None
        self._found: Dataset | DataError | None = None

    def __call__(self, train: TrainConfig) -> Dataset:
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


def _take_turn(job: Job, turns: Iterator[None]) -> bool:
    """Whether the job goes on after it; ends the job where it cannot."""
    try:
        next(turns)
        return True
    except StopIteration:
        pass
    except VaeError as error:
        job.end("failed", str(error))
    except Exception:
        # A bug or a full machine: the worker must outlive it, and the log must show it.
        _log.exception("training %s failed", job.name)
        job.end("failed", "an unexpected error; the server's log has the details")
    return False


def _train(job: Job, read: Callable[[TrainConfig], Dataset]) -> Iterator[None]:
    request = job.request
    dataset = read(request.train)
    recorded = RecordedTraining.start(
        job.path, request.model(dataset.image_shape), request.train, dataset, pick_device("auto")
    )
    pictures = _Pictures(dataset, request.latent_dim)
    job.originals = pictures.originals
    job.snapshots.append(pictures.take(0, recorded))
    job.status, job.begun = "training", time.monotonic()
    yield
    for report in recorded.run():
        job.latest = report
        if report.ends_epoch:
            job.epochs.append(report)
            _keep(job.snapshots, pictures.take(report.epoch, recorded))
        if job.stopping:
            break
        yield
    job.status = "saving"
    recorded.finish()
    job.end("done" if recorded.training.finished else "stopped")


def _keep(snapshots: list[Snapshot], latest: Snapshot) -> None:
    if len(snapshots) >= MAX_SNAPSHOTS:
        del snapshots[1::2]
    snapshots.append(latest)


class _Pictures:
    """The fixed images and codes that every snapshot shows."""

    def __init__(self, dataset: Dataset, latent_dim: int) -> None:
        chosen = _one_per_class(dataset.test.labels)
        self._images = dataset.test.batch(chosen)
        noise = torch.Generator().manual_seed(0)
        self._codes = torch.randn(SNAPSHOT_IMAGES, latent_dim, generator=noise)
        self.originals = _pixels(self._images)

    @torch.inference_mode()
    def take(self, epoch: int, recorded: RecordedTraining) -> Snapshot:
        training = recorded.training
        model = training.model.at_beta(training.config.beta)
        means = model.encode(self._images.to(model.device)).mean
        reconstructions = _pixels(model.decode_mean(means))
        samples = _pixels(model.decode_mean(self._codes.to(model.device)))
        return Snapshot(epoch, reconstructions, samples)


def _one_per_class(labels: torch.Tensor) -> torch.Tensor:
    firsts = [int((labels == value).nonzero()[0]) for value in labels.unique()]
    others = [i for i in range(len(labels)) if i not in firsts]
    return torch.tensor([*firsts, *others][:SNAPSHOT_IMAGES])


def _pixels(images: torch.Tensor) -> UInt8[np.ndarray, "n h w c"]:
    return (images.cpu() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
