"""Scores as a checkpoint folder keeps them: with what they were taken, and of which weights."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from vae.core.errors import (
    CheckpointError,
    ConfigError,
    ForeignCheckpoint,
    NewerCheckpoint,
    StaleScores,
    TamperedCheckpoint,
)
from vae.core.files import written_atomically
from vae.core.record import Record
from vae.runs.format import SCORES_FILE, file_exists, read_json
from vae.runs.run import Run

LIBRARIES = ("numpy", "scipy", "scikit-learn")
"""Those that decide the numbers."""


@dataclass(frozen=True)
class StoredScores(Record):
    """What `scores.json` holds besides its format."""

    weights: str
    """The sha256 of the weights that the codes came from."""

    created: str
    """UTC, ISO 8601."""

    settings: dict[str, Any]
    """Of the command that took them: rows, estimator, seed."""

    versions: dict[str, str]
    """Of Python and the libraries that decide the numbers."""

    scores: dict[str, Any]
    """By name, as `vae metrics --json` prints them; `vae.metrics.glossary` says what they mean."""

    def __post_init__(self) -> None:
        if not isinstance(self.weights, str) or not isinstance(self.created, str):
            raise ConfigError("StoredScores: expected texts for weights and created")
        if not all(isinstance(d, dict) for d in (self.settings, self.versions, self.scores)):
            raise ConfigError("StoredScores: expected objects for settings, versions and scores")

    @classmethod
    def now(
        cls, weights: str, settings: Mapping[str, Any], scores: Mapping[str, Any]
    ) -> "StoredScores":
        """Of this process, now."""
        versions = {name: metadata.version(name) for name in LIBRARIES}
        return cls(
            weights=weights,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            settings=dict(settings),
            versions={"python": platform.python_version()} | versions,
            scores=dict(scores),
        )


SCORES_FORMAT, SCORES_VERSION = "latent-explorer-scores", 1


def save_scores(run: Run, scores: StoredScores) -> None:
    """Keep scores beside the weights they are of; CheckpointError where the disk refuses."""
    head = {"format": SCORES_FORMAT, "format_version": SCORES_VERSION}
    try:
        with written_atomically(run.path / SCORES_FILE) as file:
            file.write_text(json.dumps(head | scores.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{run.path / SCORES_FILE} cannot be written ({error})") from error


def load_scores(run: Run) -> StoredScores | None:
    """What was last measured; None where nothing was, StaleScores where of other weights."""
    file = run.path / SCORES_FILE
    if not file_exists(file):
        return None
    record = read_json(file, "measure again with `vae metrics --save`")
    version = record.pop("format_version", None) if isinstance(record, dict) else None
    if type(version) is not int or record.pop("format", None) != SCORES_FORMAT:
        raise ForeignCheckpoint(f"{file} does not hold scores of this program; remove it")
    if version > SCORES_VERSION:
        raise NewerCheckpoint(f"{file} has format version {version}; update the program")
    try:
        scores = StoredScores.from_dict(record)
    except ConfigError as error:
        raise TamperedCheckpoint(f"{file} is not valid: {error}; measure again") from error
    if scores.weights != run.identity:
        raise StaleScores(
            f"{file} is of other weights; measure again with `vae metrics {run.path} --save`"
        )
    return scores
