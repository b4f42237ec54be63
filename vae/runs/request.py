"""A request for one training run: the settings of its model and of its training."""

from dataclasses import dataclass

from vae.core.config import (
    KINDS_WITH_LABELS,
    LOGVAR_LIMIT,
    Architecture,
    Kind,
    Likelihood,
    ModelConfig,
    TrainConfig,
    check_together,
)
from vae.data.registry import image_shape_of
from vae.runs.run import Run


@dataclass(frozen=True)
class RunRequest:
    """What somebody wants trained."""

    train: TrainConfig
    architecture: Architecture
    latent_dim: int
    likelihood: Likelihood = "bernoulli"
    beta_range: tuple[float, float] | None = None
    kind: Kind = "vae"
    logvar_limit: float = LOGVAR_LIMIT
    levels: tuple[int, ...] = ()
    codebook: int = 0

    def __post_init__(self) -> None:
        """VaeError for settings that cannot be; whether the data are there shows in the job."""
        shape = image_shape_of(self.train.dataset)
        check_together(self.model(shape, classes=2), self.train)

    @classmethod
    def from_configs(cls, model: ModelConfig, train: TrainConfig) -> "RunRequest":
        """What a run was asked for as; VaeError where its data set is known no more."""
        return cls(
            train,
            model.architecture,
            model.latent_dim,
            model.likelihood,
            model.beta_range,
            model.kind,
            model.logvar_limit,
            model.levels,
            model.codebook,
        )

    def matches(self, run: Run) -> bool:
        """Whether this run is what it asks for, trained to its end."""
        model = self.model(run.model.image_shape, run.model.classes)
        return (model, self.train) == (run.model, run.train) and not run.stopped_early

    @property
    def label(self) -> str:
        """What sets it apart in a sweep, besides its seed, such as "β 4"."""
        if self.beta_range is not None:
            return "all β"
        return f"{'β-TC' if self.train.objective == 'beta-tcvae' else 'β'} {self.train.beta:g}"

    def model(self, image_shape: tuple[int, int, int], classes: int) -> ModelConfig:
        """The model, once the images and the number of their classes are known."""
        return ModelConfig(
            image_shape,
            self.latent_dim,
            self.architecture,
            self.likelihood,
            beta_range=self.beta_range,
            kind=self.kind,
            classes=classes if self.kind in KINDS_WITH_LABELS else 0,
            logvar_limit=self.logvar_limit,
            levels=self.levels,
            codebook=self.codebook,
        )
