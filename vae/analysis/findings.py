"""Stores what an analysis measured as JSON, so that pages can show it without measuring again.

Every stored file is a record of a `Finding` subclass, together with the name and the version of its
format. The subclasses differ in what their numbers belong to:

| class            | file                     | belongs to                              |
|------------------|--------------------------|-----------------------------------------|
| `StoredScores`   | `scores.json` of a run   | the weights, by their sha256            |
| `StudyFinding`   | `few-labels-mnist.json`  | a study and a data set                  |
| `LatentSizes`    | `latent-sizes.json`      | a data set (`vae.analysis.latent_sizes`)|
| `StoredFailures` | `stored.json`            | the code (`vae.analysis.failure_modes`) |

Example:
    >>> file = finding_file(Path("checkpoints"), "few-data", "digits")
    >>> write_finding(file, StudyFinding.now("few-data", "vae few-data", {"accuracy": 0.9}))
    >>> read_finding(file, StudyFinding).found
    {'accuracy': 0.9}
"""

import hashlib
import json
import platform
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

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
from vae.runs.folders import checkpoints_dir
from vae.runs.format import SCORES_FILE, file_exists, read_json
from vae.runs.run import Run
from vae.runs.run_folder import dataset_part

FORMAT_VERSION = 1
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn")
"""The libraries whose versions are stored, because they influence the numbers."""


class Finding(Record):
    """Base of the records that are stored in a file of their own."""

    format_name: ClassVar[str]
    """The value of the key `format` in the file."""

    remedy: ClassVar[str]
    """The advice at the end of error messages: how to obtain a valid file."""


FindingType = TypeVar("FindingType", bound=Finding)


@dataclass(frozen=True)
class StudyFinding(Finding):
    """The result of a study, with the command that repeats it."""

    format_name = "latent-explorer-outcome"
    remedy = "measure again with --save"

    study: str
    """Name of the command, such as few-labels."""

    command: str
    """The whole command line."""

    created: str
    """Time in UTC, as ISO 8601."""

    versions: dict[str, str]
    """Versions of Python and of LIBRARIES."""

    found: dict[str, Any]
    """The study's own record."""

    @classmethod
    def now(cls, study: str, command: str, found: Mapping[str, Any]) -> Self:
        """Return a finding with the present time and library versions."""
        return cls(study, command, utc_now(), library_versions(), dict(found))


@dataclass(frozen=True)
class StoredScores(Finding):
    """The scores of a run's codes, which `scores.json` in the run's folder holds."""

    format_name = "latent-explorer-scores"
    remedy = "measure again with `vae metrics --save`"

    weights: str
    """The sha256 of the weights that computed the codes."""

    created: str
    """Time in UTC, as ISO 8601."""

    settings: dict[str, Any]
    """Options of the command: rows, estimator, seed."""

    versions: dict[str, str]
    """Versions of Python and of LIBRARIES."""

    scores: dict[str, Any]
    """Scores by name, as `vae metrics --json` prints them; see `vae.metrics.glossary`."""

    @classmethod
    def now(cls, weights: str, settings: Mapping[str, Any], scores: Mapping[str, Any]) -> Self:
        """Return scores with the present time and library versions."""
        return cls(weights, utc_now(), dict(settings), library_versions(), dict(scores))


def write_finding(file: Path, finding: Finding) -> None:
    """Write a finding to a file in one step; raises CheckpointError when writing fails."""
    head = {"format": finding.format_name, "format_version": FORMAT_VERSION}
    text = json.dumps(head | finding.to_dict(), indent=1) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(file) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{file} cannot be written ({error.strerror})") from error


def read_finding(file: Path, kind: type[FindingType]) -> FindingType | None:
    """Read a finding of one kind; returns None when there is no file.

    Raises CheckpointError when the file is damaged, of another format or of a newer version.
    """
    if not file_exists(file):
        return None
    record = read_json(file, kind.remedy)
    name = record.pop("format", None) if isinstance(record, dict) else None
    if name != kind.format_name:
        raise ForeignCheckpoint(
            f"{file} has the format {name!r:.40}, not {kind.format_name}; remove it or "
            f"{kind.remedy}"
        )
    version = record.pop("format_version", None)
    if type(version) is not int:
        raise ForeignCheckpoint(
            f"{file} has the format version {version!r:.20}, not a number; {kind.remedy}"
        )
    if version > FORMAT_VERSION:
        raise NewerCheckpoint(f"{file} has format version {version}; update the program")
    try:
        return kind.from_dict(record)
    except ConfigError as error:
        raise TamperedCheckpoint(f"{file} is not valid: {error}; {kind.remedy}") from error


def finding_file(folder: Path, study: str, dataset: str) -> Path:
    """Return the file that holds a study's finding on a data set.

    A data set's name that is a path or is too long is shortened and marked with its sha256.
    """
    if not re.fullmatch(r"[\w:=,+.-]{1,100}", dataset):
        digest = hashlib.sha256(dataset.encode()).hexdigest()
        dataset = f"{dataset_part(dataset)}-{digest[:12]}"
    return folder / f"{study}-{dataset}.json"


def read_study(file: Path, study: str) -> StudyFinding | None:
    """Read a study's finding; raises CheckpointError when the file is of another study."""
    finding = read_finding(file, StudyFinding)
    if finding and finding.study != study:
        raise ForeignCheckpoint(
            f"{file} holds what {finding.study!r:.40} found, not {study}; remove it"
        )
    return finding


def save_study(study: str, dataset: str, command: str, found: Record) -> None:
    """Store a study's record on a data set in the folder of checkpoints."""
    file = finding_file(checkpoints_dir(), study, dataset)
    write_finding(file, StudyFinding.now(study, command, found.to_dict()))


def study_command(study: str, *arguments: str, **options: object) -> str:
    """Return the command line of a study, without the options that are None."""
    words = ["vae", study, *arguments]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def save_scores(run: Run, scores: StoredScores) -> None:
    """Write scores to the run's folder; raises CheckpointError when writing fails."""
    write_finding(run.path / SCORES_FILE, scores)


def load_scores(run: Run) -> StoredScores | None:
    """Read the scores in the run's folder; returns None when there are none.

    Raises StaleScores when they belong to other weights than the folder holds.
    """
    scores = read_finding(run.path / SCORES_FILE, StoredScores)
    if scores and scores.weights != run.identity:
        raise StaleScores(
            f"{run.path / SCORES_FILE} is of other weights; measure again with "
            f"`vae metrics {run.path} --save`"
        )
    return scores


def utc_now() -> str:
    """Return the present time in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of LIBRARIES, by name."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version()} | versions
