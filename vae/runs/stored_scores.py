"""Scores as a checkpoint folder keeps them: with what they were taken, and of which weights."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from vae.core.errors import ConfigError
from vae.core.record import Record

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
