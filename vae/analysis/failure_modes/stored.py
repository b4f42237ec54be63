"""What `vae failures --out` last measured, kept beside the code so that it is there at once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vae.analysis.failure_modes.attempt import FailureOutcome
from vae.core.errors import CheckpointError
from vae.core.record import Record
from vae.runs.run import Provenance

STORED = Path(__file__).with_name("stored.json")
COMMAND = "vae failures --threads 1 --out vae/analysis/failure_modes/stored.json"
"""What wrote it."""


@dataclass(frozen=True)
class StoredFailures(Record):
    """Outcomes by the name of the failure, and where and with what they were measured."""

    command: str
    provenance: Provenance
    outcomes: dict[str, FailureOutcome]

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The record that `to_dict` gave."""
        outcomes = {
            name: FailureOutcome.from_dict(both) for name, both in values["outcomes"].items()
        }
        return cls(values["command"], Provenance.from_dict(values["provenance"]), outcomes)


def load_stored_failures(file: Path = STORED) -> StoredFailures:
    """CheckpointError where the file is absent or damaged."""
    try:
        return StoredFailures.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{file} cannot be read ({error}); write it with `{COMMAND}`"
        ) from error


def save_stored_failures(stored: StoredFailures, file: Path) -> None:
    """CheckpointError where the disk refuses."""
    try:
        file.write_text(json.dumps(stored.to_dict(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{file} cannot be written ({error})") from error
