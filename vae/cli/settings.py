"""Turns the options of a command into configurations, data sets, a beta and a label.

Example:
    >>> config = train_config(options, beta=4.0, seed=0)
    >>> dataset = dataset_for_training(options, config.dataset)
    >>> model = model_config(options, dataset.image_shape, len(dataset.class_names))
"""

import argparse
from collections.abc import Iterable

from vae.analysis.eval_classifier import find_classifier
from vae.core.config import ImageShape, ModelConfig, TrainConfig, model_for_images
from vae.core.errors import ConfigError
from vae.core.settings import from_values
from vae.data.folder import FOLDER_SIDE
from vae.data.registry import FOLDER_PREFIX, image_shape_of, load_dataset
from vae.data.splits import Dataset
from vae.runs.catalogue import available_checkpoints
from vae.runs.run import Run


def model_config(options: argparse.Namespace, image_shape: ImageShape, classes: int) -> ModelConfig:
    """Return the model that the options ask for; raise ConfigError if it is not allowed."""
    return model_for_images(vars(options), image_shape, classes)


def train_config(
    options: argparse.Namespace, beta: float, seed: int, dataset: str | None = None
) -> TrainConfig:
    """Return the training that the options ask for; raise ConfigError if it is not allowed."""
    dataset = dataset or options.dataset
    model = _perceptual_model(options, dataset)
    return from_values(
        TrainConfig, vars(options), dataset=dataset, beta=beta, seed=seed, critic=model
    )


def _perceptual_model(options: argparse.Namespace, dataset: str) -> str:
    """Return the perceptual model of the options, or else the best classifier of the data set.

    Raises CheckpointError if there is no such classifier.
    """
    if options.critic or options.perceptual == 0:
        return options.critic
    return str(find_classifier(available_checkpoints().runs, dataset).path)


def dataset_for_training(options: argparse.Namespace, name: str) -> Dataset:
    """Load the data set and split it; raise ConfigError or DataError if that is impossible."""
    if options.image_size is not None and not name.startswith(FOLDER_PREFIX):
        raise ConfigError("--image-size goes with folder:PATH; other data sets have their own")
    side = FOLDER_SIDE if options.image_size is None else options.image_size
    ModelConfig(image_shape_of(name, side), options.latent_dim, options.architecture)
    return load_dataset(
        name,
        options.data_dir,
        validation_fraction=options.validation_fraction,
        folder_side=side,
    )


def load_datasets(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Dataset]:
    """Load each data set of a sweep once."""
    return {name: dataset_for_training(options, name) for name in dict.fromkeys(names)}


def choose_beta(options: argparse.Namespace, run: Run) -> float:
    """Return the chosen beta, or the model's own.

    Raises ConfigError for a choice if the model was trained at one beta alone.
    """
    if options.beta is None:
        return run.train.beta
    if run.model.beta_range is None:
        raise ConfigError(
            f"{options.checkpoint} was trained at beta {run.train.beta:g} alone; --beta goes with "
            "models that were trained with --beta-range"
        )
    return options.beta


def choose_label(options: argparse.Namespace, run: Run) -> int | None:
    """Return the chosen label; raise ConfigError if it is missing or the model takes none."""
    needs = run.model.needs_labels
    if needs == (options.label is None):
        raise ConfigError(
            f"{options.checkpoint} is a conditional model; choose a class with --label"
            if needs
            else f"{options.checkpoint} is no conditional model; leave out --label"
        )
    return options.label
