"""What a run was and what it measured: the record that `run.json` holds."""

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
    """What a run measured; losses in nats per image of the test split."""

    test_distortion: float
    """-log p(x|z), one posterior sample per image."""

    test_rate: float
    """KL(q(z|x) || p(z)) in closed form, summed over the dimensions."""

    test_elbo: float
    """-(distortion + rate), whatever beta was."""

    test_rate_per_dimension: tuple[float, ...]
    """The rate of each dimension."""

    active_units: int
    """Dimensions whose posterior mean varies by more than 0.01 over the test split."""

    inactive: tuple[int, ...]
    """The other dimensions, counted from 0."""

    epochs_trained: float
    """Fewer than the configuration's epochs where the run was stopped."""

    train_images_per_second: float
    """The training loop alone, the first epoch left out when there are more."""

    seconds: float
    """Spent in the training loop."""

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
        """ConfigError unless rates and inactive dimensions are those of so many dimensions."""
        inactive = set(self.inactive)
        fits = (
            len(self.test_rate_per_dimension) == latent_dim
            and inactive <= set(range(latent_dim))
            and self.active_units == latent_dim - len(inactive)
        )
        if not fits:
            raise ConfigError(f"Results: they are not those of {latent_dim} latent dimensions")

    @classmethod
    def of(
        cls, evaluation: Evaluation, epochs: float, images_per_second: float, seconds: float
    ) -> "Results":
        """The results of a run from its evaluation on the test split."""
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
    """Where and with what a run was made."""

    created: str
    """UTC, ISO 8601."""

    device: str
    """cpu, cuda or mps."""

    threads: int
    """Of torch, on the CPU."""

    versions: dict[str, str]
    """Of Python and the libraries that decide the numbers."""

    def __post_init__(self) -> None:
        if not isinstance(self.versions, dict):
            raise ConfigError(f"Provenance: expected versions by name, found {self.versions!r:.40}")
        texts = (self.created, self.device, *self.versions, *self.versions.values())
        ok = all(isinstance(text, str) and is_showable(text) for text in texts)
        if not ok or not isinstance(self.threads, int):
            raise ConfigError("Provenance: expected short texts, and a whole number of threads")

    @classmethod
    def here(cls, device: torch.device) -> "Provenance":
        """Of this process, now."""
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
    """What `run.json` says; enough to list a checkpoint without reading its weights."""

    path: Path
    model: ModelConfig
    train: TrainConfig
    class_names: tuple[str, ...]
    results: Results
    provenance: Provenance
    sha256: dict[str, str]
    factors: tuple[Factor, ...] = ()
    """What made the data set's images, where that is known."""

    def __post_init__(self) -> None:
        for name in self.class_names:
            if not isinstance(name, str) or not is_showable(name):
                raise ConfigError(
                    f"class_names: {name!r:.60} is no name of one line and up to 200 characters"
                )
        if self.model.needs_labels and len(self.class_names) != self.model.classes:
            raise ConfigError(
                f"class_names: {len(self.class_names)} names for {self.model.classes} classes"
            )

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def identity(self) -> str:
        """The weights' sha256: what caches go by."""
        return self.sha256[WEIGHTS_FILE]

    @property
    def beta_label(self) -> str:
        """Such as "β 4", "any β from 0.1 to 10" of a multi-rate model, or "no β"."""
        if not self.model.has_rate:
            return "no β"
        if self.model.beta_range is None:
            return self.train.beta_label
        low, high = self.model.beta_range
        return f"any β from {low:g} to {high:g}"

    @property
    def stopped_early(self) -> bool:
        """Whether it has steps left that resuming would take."""
        return self.results.epochs_trained < self.train.epochs
