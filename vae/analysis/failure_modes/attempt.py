"""Trains the two runs of a prepared failure, measures them and checks their health.

Example:
    >>> failure = find_failure("learning-rate")
    >>> dataset = load_dataset(failure.request.train.dataset)
    >>> outcome = run_both(failure, dataset, tell=print)
    >>> outcome.failure.elbo < outcome.cure.elbo
    True
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from vae.analysis.failure_modes.prepared import Failure
from vae.analysis.findings import Finding, read_finding
from vae.analysis.health import (
    HealthIssue,
    RunMeasurements,
    check_measurements,
    diverged,
    prior_gap,
)
from vae.charts.images import png_bytes, sprite_sheet
from vae.core.errors import DivergedError, MissingCheckpoint
from vae.core.record import Record
from vae.data.splits import Dataset
from vae.metrics.evaluation import encode_split, evaluate
from vae.models.vae import VAE
from vae.runs.recorder import epoch_record
from vae.runs.request import RunRequest
from vae.runs.run import Provenance
from vae.training import TrainingRun, run_training

SHOWN = 8
"""Number of images in each row of the pictures."""

STORED = Path(__file__).with_name("stored.json")
COMMAND = "vae failures --threads 1 --out vae/analysis/failure_modes/stored.json"
"""The command that writes STORED."""

Pixels = UInt8[np.ndarray, "n h w c"]


@dataclass(frozen=True)
class Attempt(Record):
    """The result of one run; a run that diverged has no measurements, only None."""

    distortion: float | None
    """Nats per test image, with one posterior sample each."""

    rate: float | None
    active_units: int | None
    prior_gap: float | None
    """Nats; see `vae.analysis.health`."""

    losses: tuple[float, ...]
    """Distortion plus rate after each epoch, in nats per training image."""

    symptoms: tuple[HealthIssue, ...]
    """The issues that the health check found."""

    seconds: float
    pictures: str
    """A PNG file in base 64, with rows of test images, their reconstructions and samples."""

    @property
    def elbo(self) -> float | None:
        """The ELBO in nats per test image."""
        if self.distortion is None or self.rate is None:
            return None
        return -(self.distortion + self.rate)

    def rows(self) -> UInt8[np.ndarray, "H W c"]:
        """Decode `pictures` into one array of pixels."""
        from PIL import Image

        pixels = np.asarray(Image.open(BytesIO(b64decode(self.pictures))))
        return pixels[..., None] if pixels.ndim == 2 else pixels


@dataclass(frozen=True)
class FailureOutcome(Record):
    """The results of both runs of a failure."""

    failure: Attempt
    cure: Attempt


@dataclass(frozen=True)
class StoredFailures(Finding):
    """The outcomes by the name of the failure, and the machine that measured them."""

    format_name = "latent-explorer-failures"
    remedy = f"write it with `{COMMAND}`"

    command: str
    provenance: Provenance
    outcomes: dict[str, FailureOutcome]


def load_stored_failures(file: Path = STORED) -> StoredFailures:
    """Read stored outcomes; raises CheckpointError when the file is absent or damaged."""
    stored = read_finding(file, StoredFailures)
    if stored is None:
        raise MissingCheckpoint(f"there is no file {file}; {StoredFailures.remedy}")
    return stored


def run_both(failure: Failure, dataset: Dataset, tell: Callable[[float], object]) -> FailureOutcome:
    """Train both runs of a failure; calls `tell` with the finished share, from 0 to 1."""
    first = attempt(failure.request, dataset, lambda share: tell(share / 2))
    second = attempt(failure.cure, dataset, lambda share: tell((1 + share) / 2))
    return FailureOutcome(first, second)


def attempt(request: RunRequest, dataset: Dataset, tell: Callable[[float], object]) -> Attempt:
    """Train one run on the CPU and measure it on the test split."""
    model = request.model_for(dataset.image_shape, len(dataset.class_names))
    training = TrainingRun(model, request.train, dataset)
    epochs: list[dict[str, Any]] = []
    try:
        for report in run_training(training):
            tell(report.step / report.steps)
            if report.ends_epoch:
                epochs.append(epoch_record(report))
    except DivergedError as error:
        return _diverged(training, dataset, epochs, error)
    return _measured(training, dataset, epochs)


def _measured(training: TrainingRun, dataset: Dataset, epochs: list[dict[str, Any]]) -> Attempt:
    evaluation = evaluate(training.model, dataset.test)
    posterior = encode_split(training.model, dataset.test)
    measured = RunMeasurements(
        model=training.model.config,
        train=training.config,
        epochs=epochs,
        test_loss=-evaluation.elbo,
        inactive=evaluation.inactive,
        means=posterior.mean.numpy(),
        logvars=posterior.logvar.numpy(),
    )
    return Attempt(
        distortion=evaluation.distortion,
        rate=evaluation.rate,
        active_units=evaluation.active_units,
        prior_gap=prior_gap(measured),
        losses=_losses(epochs),
        symptoms=check_measurements(measured),
        seconds=training.seconds,
        pictures=_encoded(_pictures(training.model, dataset)),
    )


def _diverged(
    training: TrainingRun, dataset: Dataset, epochs: list[dict[str, Any]], error: DivergedError
) -> Attempt:
    """Return the result of a run that diverged: black images stand for its reconstructions."""
    originals = _pixels(_images(dataset))
    pictures = np.concatenate([originals, np.zeros_like(originals).repeat(2, axis=0)])
    return Attempt(
        distortion=None,
        rate=None,
        active_units=None,
        prior_gap=None,
        losses=_losses(epochs),
        symptoms=(diverged(str(error)),),
        seconds=training.seconds,
        pictures=_encoded(pictures),
    )


def _losses(epochs: list[dict[str, Any]]) -> tuple[float, ...]:
    return tuple(epoch["distortion"] + epoch["rate"] for epoch in epochs)


def _images(dataset: Dataset) -> torch.Tensor:
    return dataset.test.batch(torch.arange(SHOWN))


@torch.inference_mode()
def _pictures(model: VAE, dataset: Dataset) -> Pixels:
    """Return test images, then their reconstructions, then samples from the prior."""
    images, noise = _images(dataset), torch.Generator().manual_seed(0)
    codes = torch.randn(SHOWN, model.config.latent_dim, generator=noise)
    decoded = model.decode_mean(model.encode(images).mean), model.decode_mean(codes)
    return np.concatenate([_pixels(some) for some in (images, *decoded)])


def _pixels(images: torch.Tensor) -> Pixels:
    return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _encoded(pictures: Pixels) -> str:
    return b64encode(png_bytes(sprite_sheet(pictures, SHOWN))).decode("ascii")
