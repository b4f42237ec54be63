"""Names, limits and checks of the files in a checkpoint folder.

Every reading function raises a CheckpointError that names the file and the remedy. Files are
checked against size limits and sha256 digests before they are read.

Example:
    >>> record = read_run_record(Path("checkpoints/mnist-map"))
    >>> record["model"]["latent_dim"]
    2
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import (
    ConfigError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    MissingCheckpoint,
    NewerCheckpoint,
    TamperedCheckpoint,
)
from vae.core.settings import defaults_added_after, newest_version

FORMAT_VERSION = newest_version(ModelConfig, TrainConfig)
"""Version of `run.json`; each version so far introduced settings (see `Setting.added_in`)."""

RUN_FILE = "run.json"
WEIGHTS_FILE = "model.safetensors"
ATLAS_FILE = "atlas.safetensors"
METRICS_FILE = "metrics.jsonl"
CURVE_FILE = "curve.safetensors"
RESUME_FILE = "resume.safetensors"
SCORES_FILE = "scores.json"

MAX_RUN_FILE_BYTES = 4 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_ATLAS_BYTES, MAX_CURVE_BYTES, MAX_METRICS_BYTES = 64 * 2**20, 256 * 2**20, 64 * 2**20
"""These limits are far above the size of any real file. Larger files are not read."""

PLAIN_DTYPES = (torch.float32, torch.float64, torch.float16, torch.int16, torch.int32, torch.int64)
HALF_RANGE = (-65504.0, 65504.0)
"""The finite range of float16."""


def parse_digest(value: Any) -> str:
    """Return a sha256 digest as it stands in `run.json`; raise ConfigError for any other value."""
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ConfigError(f"sha256: expected 64 hexadecimal digits, found {value!r:.40}")
    return value


def hashed_files(model: ModelConfig) -> tuple[str, ...]:
    """Return the names of the files whose sha256 stands in `run.json`."""
    files = (WEIGHTS_FILE, ATLAS_FILE, METRICS_FILE)
    return files if model.beta_range is None else (*files, CURVE_FILE)


def read_run_record(path: Path) -> dict[str, Any]:
    """Read `run.json` of a checkpoint folder; settings of newer versions get their defaults.

    Raises the CheckpointError that says what is wrong with the folder or its record.
    """
    file = path / RUN_FILE
    if not path.is_dir():
        raise MissingCheckpoint(
            f"there is no checkpoint folder {path}; `vae list` shows those there"
        )
    if not file_exists(file):
        if (path / RESUME_FILE).is_file() or (path / WEIGHTS_FILE).is_file():
            raise IncompleteCheckpoint(
                f"{path} has no {RUN_FILE}: its run did not finish; resume it or train it afresh"
            )
        raise ForeignCheckpoint(f"{path} is not a checkpoint: it has no {RUN_FILE}")
    record = read_json(file, "restore it from a copy or train the run afresh")
    return _check_format(file, record)


def file_exists(file: Path) -> bool:
    """Tell whether a file exists.

    Raises CheckpointError if the permissions of its folder hide the answer.
    """
    try:
        return file.is_file()
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error


def read_json(file: Path, remedy: str) -> Any:
    """Read a JSON file of limited size. `remedy` ends the error text if it is damaged."""
    try:
        if file.stat().st_size > MAX_RUN_FILE_BYTES:
            raise ForeignCheckpoint(f"{file} is too large, so it is not read")
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise IncompleteCheckpoint(f"{file} is not complete JSON; {remedy}") from error


def _check_format(file: Path, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict) or record.get("format") != "latent-explorer":
        raise ForeignCheckpoint(f"{file} was not written by this program")
    version = record.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise TamperedCheckpoint(f"{file} has the format version {version!r:.40}, not a number")
    if version > FORMAT_VERSION:
        raise NewerCheckpoint(
            f"{file} has format version {version}, but this program reads up to "
            f"{FORMAT_VERSION}; update the program"
        )
    return _upgraded(record, version)


def _upgraded(record: dict[str, Any], version: int) -> dict[str, Any]:
    """Add the settings that newer versions introduced, with the values that older runs had."""
    for part, config in (("model", ModelConfig), ("train", TrainConfig)):
        if isinstance(record.get(part), dict):
            record[part] = defaults_added_after(config, version) | record[part]
    return record


def check_digest(file: Path, sha256: str, most_bytes: int) -> None:
    """Check that a file is the one that was saved.

    Raises IncompleteCheckpoint if it is missing or unreadable, and TamperedCheckpoint if it has
    more than `most_bytes` or another sha256.
    """
    if not file_exists(file):
        raise IncompleteCheckpoint(f"{file} is missing; restore it from a copy or train afresh")
    try:
        if (size := file.stat().st_size) > most_bytes:
            raise TamperedCheckpoint(
                f"{file} is not the file that was saved: it has {size:,} bytes, more than the "
                f"{most_bytes:,} that {RUN_FILE} asks for; restore it from a copy or train afresh"
            )
        found = sha256_of(file)
    except OSError as error:
        raise IncompleteCheckpoint(f"{file} cannot be read ({error.strerror})") from error
    if found != sha256:
        raise TamperedCheckpoint(
            f"{file} is not the file that was saved: its sha256 starts with {found[:12]}, but "
            f"{RUN_FILE} says {sha256[:12]}; restore it from a copy or train afresh"
        )


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a safetensors file; raise IncompleteCheckpoint if it is damaged."""
    try:
        return load_file(file)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise IncompleteCheckpoint(
            f"{file} is cut short or not safetensors ({error}); restore it from a copy"
        ) from error


def check_tensors(
    where: Path, found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]
) -> None:
    """Check names, shapes and dtypes of tensors, and that they are finite.

    Raises TamperedCheckpoint for a difference. The values of `expected` do not matter.
    """
    for name in sorted(expected.keys() - found.keys()):
        raise TamperedCheckpoint(f"{where} lacks the tensor {name}, which its configuration needs")
    for name in sorted(found.keys() - expected.keys()):
        raise TamperedCheckpoint(f"{where} holds a tensor {name} that its configuration lacks")
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise TamperedCheckpoint(
                f"{where}: tensor {name} has shape {tuple(tensor.shape)}, but the configuration "
                f"asks for {tuple(expected[name].shape)}"
            )
        if tensor.dtype not in PLAIN_DTYPES:
            raise TamperedCheckpoint(
                f"{where}: tensor {name} holds {tensor.dtype}, expected plain numbers; train afresh"
            )
        if not torch.isfinite(tensor).all():
            raise TamperedCheckpoint(f"{where}: tensor {name} holds NaN or infinity; train afresh")


def write_tensors(
    file: Path, tensors: dict[str, torch.Tensor], header: dict[str, str] | None = None
) -> None:
    """Write tensors, and a header of texts, to a safetensors file that everyone may read."""
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file, header)
    # safetensors makes files that only the owner may read; a server often runs as another user.
    file.chmod(0o644)


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
