"""What a study found, as a file beside the checkpoints: for pages, which have no time to repeat it.

The file says by which command, when and with which versions the numbers came about.
"""

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from vae.core.errors import CheckpointError, ConfigError, ForeignCheckpoint, NewerCheckpoint
from vae.core.record import Record
from vae.runs.run_folder import dataset_part

FORMAT, VERSION = "latent-explorer-outcome", 1
LIBRARIES = ("torch", "numpy", "scikit-learn")
MAX_BYTES = 2**20


@dataclass(frozen=True)
class StoredFinding(Record):
    """What a study found, and how."""

    study: str
    """The command's name, such as few-labels."""

    command: str
    """The whole command line that found it."""

    created: str
    """UTC, ISO 8601."""

    versions: dict[str, str]
    """Of Python and the libraries that decide the numbers."""

    found: dict[str, Any]
    """The study's own record."""

    def __post_init__(self) -> None:
        texts = (self.study, self.command, self.created)
        if not all(isinstance(text, str) for text in texts):
            raise ConfigError("StoredFinding: expected texts for study, command and created")
        if not all(isinstance(values, dict) for values in (self.versions, self.found)):
            raise ConfigError("StoredFinding: expected objects for versions and found")

    @classmethod
    def now(cls, study: str, command: str, found: Mapping[str, Any]) -> "StoredFinding":
        """Of this process, now."""
        versions = {name: metadata.version(name) for name in LIBRARIES}
        created = datetime.now(UTC).isoformat(timespec="seconds")
        python = {"python": platform.python_version()}
        return cls(study, command, created, python | versions, dict(found))


def finding_file(folder: Path, study: str, dataset: str) -> Path:
    """Where a study's outcome of a data set lies in a folder of checkpoints.

    A name that is a path, or too long, cannot be a file's; its sha256 tells it from others.
    """
    if not re.fullmatch(r"[\w:=,+.-]{1,100}", dataset):
        digest = hashlib.sha256(dataset.encode()).hexdigest()
        dataset = f"{dataset_part(dataset)}-{digest[:12]}"
    return folder / f"{study}-{dataset}.json"


def write_finding(path: Path, outcome: StoredFinding) -> None:
    """Write it; CheckpointError where the disk refuses."""
    record = {"format": FORMAT, "format_version": VERSION, **outcome.to_dict()}
    try:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written ({error})") from error


def read_finding(path: Path, study: str) -> StoredFinding | None:
    """What a study found; None where there is no file, CheckpointError where it is another's."""
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_BYTES:
            raise ForeignCheckpoint(f"{path} is too large to be a study's outcome; remove it")
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ForeignCheckpoint(f"{path} cannot be read; measure again with --save") from error
    if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
        raise ForeignCheckpoint(f"{path} does not hold a study's outcome; remove it")
    version = record.pop("format_version", None)
    if type(version) is not int or version > VERSION:
        raise NewerCheckpoint(f"{path} has format version {version!r:.20}; update the program")
    try:
        outcome = StoredFinding.from_dict(record)
    except ConfigError as error:
        raise ForeignCheckpoint(f"{path} is not valid: {error}; measure again") from error
    if outcome.study != study:
        raise ForeignCheckpoint(
            f"{path} is what {outcome.study!r:.40} found, not {study}; remove it"
        )
    return outcome
