"""Rules for combinations of a model's settings with those of its training.

Each setting is allowed alone; `vae.core.config` checks that.

Example:
    >>> model, train = ModelConfig((1, 28, 28), kind="vae"), TrainConfig("mnist", labelled=100)
    >>> check_together(model, train)
    Traceback (most recent call last):
    vae.core.errors.ConfigError: labelled goes with the kind semi-supervised; ...
"""

from vae.core.config import DENOISING_KINDS, ModelConfig, TrainConfig
from vae.core.dataset_name import is_subset
from vae.core.errors import ConfigError


def check_together(model: ModelConfig, train: TrainConfig) -> None:
    """Raise ConfigError for settings that are allowed alone but not with each other."""
    _check_objective(model, train)
    _check_perceptual(model, train)
    _check_labelled(model, train)
    if model.beta_range is not None:
        _check_multi_rate(model, train, *model.beta_range)


def _check_objective(model: ModelConfig, train: TrainConfig) -> None:
    if model.kind != "vae" and train.objective != "beta-vae":
        raise ConfigError(
            f"the objective {train.objective} goes with the plain VAE, not with the kind "
            f"{model.kind}; leave one of them out"
        )
    if train.corruption and model.kind not in DENOISING_KINDS:
        raise ConfigError(
            f"a model of the kind {model.kind} does not learn to undo corruption; choose one of "
            f"{', '.join(DENOISING_KINDS)}, or no corruption"
        )


def _check_perceptual(model: ModelConfig, train: TrainConfig) -> None:
    if train.perceptual == 0:
        return
    if not model.is_generative or train.objective != "beta-vae":
        raise ConfigError(
            "a perceptual loss goes with models of images and the objective beta-vae; leave it out"
        )
    if model.kind == "semi-supervised":
        raise ConfigError(
            "a perceptual loss needs one decoded image for each image, but a semi-supervised model "
            "tries every label; leave it out"
        )


def _check_labelled(model: ModelConfig, train: TrainConfig) -> None:
    if train.labelled and model.kind != "semi-supervised":
        raise ConfigError(
            "labelled goes with the kind semi-supervised; a model of the kind "
            f"{model.kind} receives all labels or none"
        )


def _check_multi_rate(model: ModelConfig, train: TrainConfig, low: float, high: float) -> None:
    if is_subset(train.dataset):
        raise ConfigError(
            f"a beta_range goes with whole data sets, not with {train.dataset:.60}; leave one of "
            "them out"
        )
    if model.kind != "vae":
        raise ConfigError(
            f"a beta_range goes with the plain VAE, not with the kind {model.kind}; leave one of "
            "them out"
        )
    if not low <= train.beta <= high:
        raise ConfigError(
            f"beta must lie in the model's beta_range, {low:g} to {high:g}, not {train.beta:g}"
        )
    if train.objective != "beta-vae" or train.free_bits:
        raise ConfigError(
            "a model with a beta_range is trained with the objective beta-vae and no free bits; "
            "leave one of them out"
        )
