"""One run of a failure or of its cure: trained, measured, and looked at by the detector."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import UInt8

from vae.analysis.failure_modes.prepared import Failure
from vae.analysis.health import (
    HealthIssue,
    RunMeasurements,
    check_measurements,
    diverged,
    prior_gap,
)
from vae.charts.images import png_bytes, sprite_sheet
from vae.core.errors import DivergedError
from vae.core.record import Record
from vae.data.splits import Dataset
from vae.metrics.evaluation import encode_split, evaluate
from vae.models.vae import VAE
from vae.runs.recorder import epoch_record
from vae.runs.request import RunRequest
from vae.training import TrainingRun, run_training

SHOWN = 8
"""Images in each row of the pictures."""

Pixels = UInt8[np.ndarray, "n h w c"]


@dataclass(frozen=True)
class Attempt(Record):
    """What came out of a run; None where it diverged before there was anything to measure."""

    distortion: float | None
    """Nats per test image, one posterior sample each."""

    rate: float | None
    active_units: int | None
    prior_gap: float | None
    """Nats; see `vae.analysis.health`."""

    losses: tuple[float, ...]
    """Distortion and rate together, in nats per training image, by epoch."""

    symptoms: tuple[dict[str, Any], ...]
    """What the detector found."""

    seconds: float
    pictures: str
    """Test images, their reconstructions, samples: a row each of a PNG file, in base 64."""

    @property
    def elbo(self) -> float | None:
        """Nats per test image."""
        if self.distortion is None or self.rate is None:
            return None
        return -(self.distortion + self.rate)

    def found(self) -> tuple[HealthIssue, ...]:
        """The symptoms as records."""
        return tuple(HealthIssue.from_dict(values) for values in self.symptoms)

    def rows(self) -> UInt8[np.ndarray, "H W c"]:
        """The pictures, one pixel of theirs each."""
        from PIL import Image

        pixels = np.asarray(Image.open(BytesIO(b64decode(self.pictures))))
        return pixels[..., None] if pixels.ndim == 2 else pixels


@dataclass(frozen=True)
class FailureOutcome(Record):
    """Both runs of a failure."""

    failure: Attempt
    cure: Attempt

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Both attempts from JSON values."""
        return cls(*(Attempt.from_dict(values[name]) for name in ("failure", "cure")))


def run_both(failure: Failure, dataset: Dataset, tell: Callable[[float], object]) -> FailureOutcome:
    """Train both; `tell` is called with the share that is done, 0 to 1."""
    first = attempt(failure.request, dataset, lambda share: tell(share / 2))
    return FailureOutcome(
        first, attempt(failure.cure, dataset, lambda share: tell((1 + share) / 2))
    )


def attempt(request: RunRequest, dataset: Dataset, tell: Callable[[float], object]) -> Attempt:
    """Train one on the CPU and measure it on the test split."""
    model = request.model_for(dataset.image_shape, len(dataset.class_names))
    training, epochs = TrainingRun(model, request.train, dataset), []
    try:
        for report in run_training(training):
            tell(report.step / report.steps)
            if report.ends_epoch:
                epochs.append(epoch_record(report))
    except DivergedError as error:
        return _diverged(training, dataset, epochs, error)
    return _measured(training, dataset, epochs)


def _measured(training: TrainingRun, dataset: Dataset, epochs: list[dict[str, Any]]) -> Attempt:
    found = evaluate(training.model, dataset.test)
    posterior = encode_split(training.model, dataset.test)
    measured = RunMeasurements(
        training.model.config,
        training.config,
        epochs,
        -found.elbo,
        found.inactive,
        posterior.mean.numpy(),
        posterior.logvar.numpy(),
    )
    return Attempt(
        found.distortion,
        found.rate,
        found.active_units,
        prior_gap(measured),
        _losses(epochs),
        tuple(issue.to_dict() for issue in check_measurements(measured)),
        training.seconds,
        _encoded(_pictures(training.model, dataset)),
    )


def _diverged(
    training: TrainingRun, dataset: Dataset, epochs: list[dict[str, Any]], error: DivergedError
) -> Attempt:
    symptoms = (diverged(str(error)).to_dict(),)
    originals = _pixels(_images(dataset))
    pictures = np.concatenate([originals, np.zeros_like(originals).repeat(2, axis=0)])
    losses = _losses(epochs)
    return Attempt(None, None, None, None, losses, symptoms, training.seconds, _encoded(pictures))


def _losses(epochs: list[dict[str, Any]]) -> tuple[float, ...]:
    return tuple(epoch["distortion"] + epoch["rate"] for epoch in epochs)


def _images(dataset: Dataset) -> torch.Tensor:
    return dataset.test.batch(torch.arange(SHOWN))


@torch.inference_mode()
def _pictures(model: VAE, dataset: Dataset) -> Pixels:
    """Test images, their reconstructions, samples from the prior, one row after the other."""
    images, noise = _images(dataset), torch.Generator().manual_seed(0)
    codes = torch.randn(SHOWN, model.config.latent_dim, generator=noise)
    decoded = model.decode_mean(model.encode(images).mean), model.decode_mean(codes)
    return np.concatenate([_pixels(some) for some in (images, *decoded)])


def _pixels(images: torch.Tensor) -> Pixels:
    return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _encoded(pictures: Pixels) -> str:
    return b64encode(png_bytes(sprite_sheet(pictures, SHOWN))).decode("ascii")
