"""The configurations and the data set that the options of a command ask for."""

import argparse

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
    """Builds the model that the options ask for; raises ConfigError if it is not allowed."""
    return model_for_images(vars(options), image_shape, classes)


def train_config(
    options: argparse.Namespace, beta: float, seed: int, dataset: str | None = None
) -> TrainConfig:
    """Builds the training that the options ask for; raises ConfigError if it is not allowed."""
    dataset = dataset or options.dataset
    critic = _critic(options, dataset)
    return from_values(
        TrainConfig, vars(options), dataset=dataset, beta=beta, seed=seed, critic=critic
    )


def _critic(options: argparse.Namespace, dataset: str) -> str:
    """The classifier named by --critic, else the best one there is; CheckpointError without."""
    if options.critic or options.perceptual == 0:
        return options.critic
    return str(find_classifier(available_checkpoints().runs, dataset).path)


def dataset_for_training(options: argparse.Namespace, name: str) -> Dataset:
    """The data set, split; ConfigError or DataError where that cannot be."""
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


def beta_to_look_at(options: argparse.Namespace, run_: Run) -> float:
    """The beta asked for, or the model's own; ConfigError where it serves that one alone."""
    if options.beta is None:
        return run_.train.beta
    if run_.model.beta_range is None:
        raise ConfigError(
            f"{options.checkpoint} was trained at beta {run_.train.beta:g} alone; --beta goes with "
            "models that were trained with --beta-range"
        )
    return options.beta


def label_to_look_at(options: argparse.Namespace, run_: Run) -> int | None:
    """The label asked for; ConfigError where the model needs one, or is told none."""
    needs = run_.model.needs_labels
    if needs == (options.label is None):
        raise ConfigError(
            f"{options.checkpoint} is told the label of each image; choose one with --label"
            if needs
            else f"{options.checkpoint} is told no labels; leave out --label"
        )
    return options.label
