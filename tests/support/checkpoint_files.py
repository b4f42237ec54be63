"""These functions change files of a checkpoint and keep its record true to them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from vae.runs.checkpoint import RUN_FILE


def edit_record(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Rewrites the record of a checkpoint after a change to its JSON values."""
    record = json.loads((path / RUN_FILE).read_text())
    edit(record)
    (path / RUN_FILE).write_text(json.dumps(record))


def update_sha256(path: Path, name: str) -> None:
    """Writes the present hash of a file into the record, so that the file counts as intact."""
    digest = hashlib.sha256((path / name).read_bytes()).hexdigest()
    edit_record(path, lambda record: record["sha256"].update({name: digest}))


def replace_tensors(
    path: Path, name: str, edit: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    """Rewrites a file of tensors after a change, and its hash in the record."""
    tensors = load_file(path / name)
    edit(tensors)
    save_file(tensors, path / name)
    update_sha256(path, name)
