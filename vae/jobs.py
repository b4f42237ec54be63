"""Training beside the pages: one queue, one worker thread, jobs that anyone can watch or stop."""

import itertools
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8

from vae.catalogue import run_name, unused_path
from vae.config import Architecture, Likelihood, ModelConfig, TrainConfig
from vae.data import Dataset, load_dataset
from vae.device import pick_device, yield_to_others
from vae.errors import VaeError
from vae.recorder import RecordedTraining
from vae.train import Report

Status = Literal["queued", "loading", "training", "saving", "done", "stopped", "failed"]
ENDED: frozenset[Status] = frozenset({"done", "stopped", "failed"})
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


@dataclass(frozen=True)
class Snapshot:
    """What the model made of the same images and the same codes at the end of an epoch."""

    epoch: int
    reconstructions: UInt8[np.ndarray, "n h w c"]
    samples: UInt8[np.ndarray, "n h w c"]


@dataclass
class Job:
    """One training: written by its queue and the worker, read by any page."""

    number: int
    request: Request
    path: Path
    status: Status = "queued"
    message: str = ""
    latest: Report | None = None
    epochs: list[Report] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    originals: UInt8[np.ndarray, "n h w c"] | None = None
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


class TrainingQueue:
    """Trains one job after the other, in the order in which they were asked for."""

    def __init__(self, root: Path) -> None:
        self.jobs: list[Job] = []
        self._root = root
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(self, request: Request) -> Job:
        """Queue a request; the same request while one is under way gives the same job."""
        with self._changed:
            for job in self.jobs:
                if job.request == request and not job.ended:
                    return job
            job = Job(next(self._numbers), request, self._path(request))
            self.jobs.append(job)
            for old in self.jobs[:-REMEMBERED_PICTURES]:
                if old.ended:
                    old.snapshots.clear()
            self._changed.notify()
            return job

    def stop(self, job: Job) -> None:
        """Take a job out of the queue, or stop it at its next report and keep what there is."""
        with self._changed:
            job._stop.set()
            if job.status == "queued":
                job.status, job.message = "stopped", "stopped before it began"

    def _path(self, request: Request) -> Path:
        name = run_name(request.train, request.architecture, request.latent_dim)
        return unused_path(self._root, name, {job.path for job in self.jobs})

    def _work(self) -> None:
        torch.set_num_threads(1)
        yield_to_others()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(job.status == "queued" for job in self.jobs))
                job = next(job for job in self.jobs if job.status == "queued")
                job.status = "loading"
            _perform(job)


def _perform(job: Job) -> None:
    try:
        _train(job)
    except VaeError as error:
        job.status, job.message = "failed", str(error)
    except Exception:
        # A bug or a full machine: the worker must outlive it, and the log must show it.
        _log.exception("training %s failed", job.name)
        job.status, job.message = "failed", "an unexpected error; the server's log has the details"


def _train(job: Job) -> None:
    request = job.request
    dataset = load_dataset(
        request.train.dataset, validation_fraction=request.train.validation_fraction
    )
    model = ModelConfig(
        dataset.image_shape, request.latent_dim, request.architecture, request.likelihood
    )
    recorded = RecordedTraining.start(job.path, model, request.train, dataset, pick_device("auto"))
    pictures = _Pictures(dataset, request.latent_dim)
    job.originals = pictures.originals
    job.snapshots.append(pictures.take(0, recorded))
    job.status = "training"
    for report in recorded.run():
        job.latest = report
        if report.ends_epoch:
            job.epochs.append(report)
            _keep(job.snapshots, pictures.take(report.epoch, recorded))
        if job.stopping:
            break
    job.status = "saving"
    recorded.finish()
    job.status = "done" if recorded.training.finished else "stopped"


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
