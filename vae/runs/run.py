"""The record of a finished run, which `run.json` stores: its settings, results and provenance.

Example:
    >>> run = load_run("checkpoints/mnist-map")
    >>> run.train.dataset, run.model.latent_dim, run.beta_label
    ('mnist', 2, 'β 1')
"""

import dataclasses
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.core.text import is_showable
from vae.data.splits import Factor
from vae.metrics.evaluation import Evaluation
from vae.runs.format import WEIGHTS_FILE


@dataclass(frozen=True)
class Results(Record):
    """The measurements of a run. Losses are in nats per image of the test split."""

    test_distortion: float
    """-log p(x|z), with one posterior sample per image."""

    test_rate: float
    """KL(q(z|x) || p(z)) in closed form, summed over the latent dimensions."""

    test_elbo: float
    """-(distortion + rate), for any beta."""

    test_rate_per_dimension: tuple[float, ...]
    """The rate of each latent dimension."""

    active_units: int
    """Number of dimensions whose posterior mean has a variance above 0.01 over the test split."""

    inactive: tuple[int, ...]
    """Indices of the other dimensions, from 0."""

    epochs_trained: float
    """Fewer than the epochs of the configuration if the run was stopped."""

    train_images_per_second: float
    """Speed of the training loop alone. If there are several epochs, the first does not count."""

    seconds: float
    """Seconds in the training loop."""

    def __post_init__(self) -> None:
        lists = self.test_rate_per_dimension, self.inactive
        if not all(isinstance(values, tuple) for values in lists):
            raise ConfigError("Results: expected lists of rates and of inactive dimensions")
        numbers = (v for v in dataclasses.astuple(self) if not isinstance(v, tuple))
        rates = self.test_rate_per_dimension
        for value in (*numbers, *rates, *self.inactive):
            if not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
                raise ConfigError(f"Results: expected finite numbers, found {value!r:.40}")

    def check_dimensions(self, latent_dim: int) -> None:
        """Raise ConfigError unless the results fit a model with `latent_dim` dimensions."""
        inactive = set(self.inactive)
        fits = (
            len(self.test_rate_per_dimension) == latent_dim
            and inactive <= set(range(latent_dim))
            and self.active_units == latent_dim - len(inactive)
        )
        if not fits:
            raise ConfigError(f"Results: they do not fit {latent_dim} latent dimensions")

    @classmethod
    def of(
        cls, evaluation: Evaluation, epochs: float, images_per_second: float, seconds: float
    ) -> "Results":
        """Return the results of a run from its evaluation on the test split."""
        return cls(
            test_distortion=evaluation.distortion,
            test_rate=evaluation.rate,
            test_elbo=evaluation.elbo,
            test_rate_per_dimension=evaluation.rate_per_dimension,
            active_units=evaluation.active_units,
            inactive=evaluation.inactive,
            epochs_trained=epochs,
            train_images_per_second=images_per_second,
            seconds=seconds,
        )


@dataclass(frozen=True)
class Provenance(Record):
    """The time, the device and the library versions of a run."""

    created: str
    """Time in UTC, as ISO 8601."""

    device: str
    """The device type: cpu, cuda or mps."""

    threads: int
    """Number of CPU threads of torch."""

    versions: dict[str, str]
    """Versions of Python and of the libraries that determine the results."""

    def __post_init__(self) -> None:
        if not isinstance(self.versions, dict):
            raise ConfigError(f"Provenance: expected versions by name, found {self.versions!r:.40}")
        texts = (self.created, self.device, *self.versions, *self.versions.values())
        ok = all(isinstance(text, str) and is_showable(text) for text in texts)
        if not ok or not isinstance(self.threads, int):
            raise ConfigError("Provenance: expected short texts, and a whole number of threads")

    @classmethod
    def here(cls, device: torch.device) -> "Provenance":
        """Return the provenance of a run of this process that ends now."""
        versions = {"python": platform.python_version()}
        versions |= {name: metadata.version(name) for name in ("torch", "numpy", "safetensors")}
        return cls(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            device=device.type,
            threads=torch.get_num_threads(),
            versions=versions,
        )


@dataclass(frozen=True)
class Run:
    """The content of `run.json`. It suffices to list a checkpoint without reading its weights."""

    path: Path
    model: ModelConfig
    train: TrainConfig
    class_names: tuple[str, ...]
    results: Results
    provenance: Provenance
    sha256: dict[str, str]
    factors: tuple[Factor, ...] = ()
    """The factors of variation of the images, if the data set knows them."""

    def __post_init__(self) -> None:
        for name in self.class_names:
            if not isinstance(name, str) or not is_showable(name):
                raise ConfigError(
                    f"class_names: {name!r:.60} is not a name of one line and up to 200 characters"
                )
        if self.model.needs_labels and len(self.class_names) != self.model.classes:
            raise ConfigError(
                f"class_names: {len(self.class_names)} names for {self.model.classes} classes"
            )

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def identity(self) -> str:
        """The sha256 of the weights, which caches use as their key."""
        return self.sha256[WEIGHTS_FILE]

    @property
    def beta_label(self) -> str:
        """Text such as "β 4", "any β from 0.1 to 10" for a multi-rate model, or "no β"."""
        if not self.model.has_rate:
            return "no β"
        if self.model.beta_range is None:
            return self.train.beta_label
        low, high = self.model.beta_range
        return f"any β from {low:g} to {high:g}"

    @property
    def stopped_early(self) -> bool:
        """Whether the run has training steps left, so that it can be resumed."""
        return self.results.epochs_trained < self.train.epochs
