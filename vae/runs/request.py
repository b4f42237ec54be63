"""A request for one training run: the settings of its model and of its training.

Example:
    >>> request = RunRequest.of(TrainConfig("digits", epochs=2), architecture="mlp", latent_dim=2)
    >>> request.model.image_shape
    (1, 8, 8)
"""

from dataclasses import dataclass, replace
from typing import Any

from vae.core.compatibility import check_together
from vae.core.config import ImageShape, ModelConfig, TrainConfig, model_for_images
from vae.data.registry import image_shape_of
from vae.runs.run import Run

ASSUMED_CLASSES = 2
"""Number of classes of a data set that has not been read."""


@dataclass(frozen=True)
class RunRequest:
    """The settings of one run that a person asks for.

    Raises VaeError for settings that are not allowed. The data set is not read here, so the job
    reports it if the data are missing.
    """

    train: TrainConfig
    model: ModelConfig
    """The model for the images that the data set's name announces; see `model_for`."""

    def __post_init__(self) -> None:
        expected = self.model_for(image_shape_of(self.train.dataset), ASSUMED_CLASSES)
        object.__setattr__(self, "model", expected)
        check_together(expected, self.train)

    @classmethod
    def of(cls, train: TrainConfig, **settings: Any) -> "RunRequest":
        """Return a request for a model with these settings; the others have their defaults."""
        shape = image_shape_of(train.dataset)
        return cls(train, model_for_images(settings, shape, ASSUMED_CLASSES))

    def with_model(self, **settings: Any) -> "RunRequest":
        """Return the request with some settings of its model changed."""
        return replace(self, model=replace(self.model, **settings))

    def matches(self, run: Run) -> bool:
        """Tell whether a run has the requested settings and was trained to its end."""
        return self.has_settings(run.model, run.train) and not run.stopped_early

    def has_settings(self, model: ModelConfig, train: TrainConfig) -> bool:
        """Tell whether a model and a training are the requested ones."""
        expected = self.model_for(model.image_shape, model.classes)
        return (expected, self.train) == (model, train)

    @property
    def label(self) -> str:
        """Name of the run in a sweep, apart from its seed, such as "β 4"."""
        return self.train.beta_label if self.model.beta_range is None else "all β"

    def model_for(self, image_shape: ImageShape, classes: int) -> ModelConfig:
        """Return the model for images of this shape and number of classes."""
        return self.model.for_images(image_shape, classes)
