"""Opens the perceptual loss of a training: the classifier whose features it compares.

Example:
    >>> open_perceptual_loss(model, TrainConfig("mnist", perceptual=0.0), "cpu") is None
    True
"""

import torch
from torch import nn

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.runs.checkpoint import load_model, load_run
from vae.training.perceptual import FEATURE_LAYERS, PerceptualLoss


def open_perceptual_loss(
    model: ModelConfig, train: TrainConfig, device: torch.device | str
) -> PerceptualLoss | None:
    """Open the perceptual loss that a training asks for, or return None if it asks for none.

    Raises CheckpointError if the classifier cannot be loaded, and ConfigError if it is no
    classifier of images of the model's shape.
    """
    if train.perceptual == 0:
        return None
    run = load_run(train.critic)
    if run.model.kind != "classifier" or run.model.image_shape != model.image_shape:
        raise ConfigError(
            f"the perceptual model {run.name} must be a classifier of images of shape "
            f"{model.image_shape}, but it is a {run.model.kind} of shape {run.model.image_shape}; "
            "name another"
        )
    encoder: nn.Sequential = load_model(run, device).encoder
    if not any(isinstance(layer, FEATURE_LAYERS) for layer in encoder):
        raise ConfigError(
            f"the perceptual model {run.name} has no hidden layers to compare; name another"
        )
    return PerceptualLoss(encoder, train.perceptual)
