"""Saves and loads the state of an unfinished run, from which training resumes exactly.

Example:
    >>> state, record = load_resume_state(Path("checkpoints/mine"))
    >>> model, train = read_resume_configs(record)
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import (
    CheckpointError,
    ConfigError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    MissingCheckpoint,
)
from vae.core.files import written_atomically
from vae.runs.format import RESUME_FILE, file_exists, read_tensors, write_tensors


def save_resume_state(path: Path, state: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Write the state of an unfinished run and its record.

    The record holds both configurations and the epochs so far. Raises CheckpointError if the disk
    refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with written_atomically(path / RESUME_FILE) as file:
            write_tensors(file, state, {"record": json.dumps(record)})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"the training state could not be written to {path} ({error}); free some space there"
        ) from error


def load_resume_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Load the state of an unfinished run and its record; raise CheckpointError without one."""
    record = load_resume_record(path)
    return read_tensors(path / RESUME_FILE), record


def load_resume_record(path: Path) -> dict[str, Any]:
    """Load the configurations of an unfinished run and its epochs so far, without the state.

    Raises CheckpointError if there is no unfinished run, or if its file is damaged.
    """
    file = path / RESUME_FILE
    if not file_exists(file):
        raise MissingCheckpoint(f"{path} holds no unfinished run; there is nothing to resume")
    try:
        with safe_open(file, framework="pt") as opened:
            header = opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise IncompleteCheckpoint(
            f"{file} is cut short or not safetensors ({error}); train the run afresh"
        ) from error
    try:
        record = json.loads(header["record"])
        return {key: record[key] for key in ("model", "train", "epochs")}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ForeignCheckpoint(f"{file} was not written by this program") from error


def discard_resume_state(path: Path) -> None:
    """Remove the state of an unfinished run if there is one."""
    (path / RESUME_FILE).unlink(missing_ok=True)


def read_resume_configs(record: dict[str, Any]) -> tuple[ModelConfig, TrainConfig]:
    """Read both configurations from the record of an unfinished run."""
    try:
        return ModelConfig.from_dict(record["model"]), TrainConfig.from_dict(record["train"])
    except ConfigError as error:
        raise CheckpointError(f"the unfinished run's record is not valid: {error}") from error


def check_same(
    where: object,
    stored: tuple[ModelConfig, TrainConfig],
    requested: tuple[ModelConfig, TrainConfig],
) -> None:
    """Raise ConfigError unless a stored run has the requested settings."""
    if stored != requested:
        raise ConfigError(
            f"the run in {where} has other settings; resume it with the settings that it began with"
        )
