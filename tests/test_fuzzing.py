"""Loaders given damaged files: a result within bounds or a VaeError, and nothing else.

Every change is drawn by hypothesis, always the same ones. A warning fails, as everywhere here.
"""

import copy
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.hostile_files import WELCOME
from vae.analysis import few_data, few_labels, latent_sizes
from vae.analysis.findings import read_finding, read_study
from vae.core.errors import CheckpointError, DataError, VaeError
from vae.data.uploads import KEPT_SIDE, read_square, read_upload
from vae.metrics.code_arrays import load_codes
from vae.runs.checkpoint import load_atlas, load_metrics, load_model, load_run
from vae.runs.format import ATLAS_FILE, METRICS_FILE, RUN_FILE, WEIGHTS_FILE
from vae.runs.run import Run

PROJECT = Path(__file__).resolve().parents[1]
HOSTILE: list[Any] = [
    *(None, True, False, -1, 0, 2.5, 10**9, 10**400, 1e308, float("nan"), float("inf")),
    *("", "x" * 5000, "../../etc/passwd", "\ud800", "a\nb", "\u202eb", "<b>", "folder:/", "0"),
    *([], {}, [[]], [None], {"": None}, [1e308, -1e308], ["a"] * 3),
]


def few(examples: int) -> Callable:
    """The same examples every time, kept nowhere, without a clock."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def or_refused(kind: type[VaeError]) -> Iterator[None]:
    """What is refused is refused in one line that a person can read."""
    try:
        yield
    except kind as error:
        message = str(error)
    else:
        return
    assert "\n" not in message
    assert len(message) < 1500


Damage = tuple[list[tuple[float, int]], float, tuple[float, float]]
DAMAGE = st.tuples(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.one_of(st.just(1.0), st.floats(0, 1)),
    st.tuples(st.floats(0, 1), st.floats(0, 0.2)),
)
"""Bytes that change, where the file ends, and a part of it that comes twice."""


def damaged(content: bytes, damage: Damage, head: int | None = None) -> bytes:
    """A copy with the damage; bytes change in the first `head` ones alone, where that is given."""
    edits, end, (start, length) = damage
    changed = bytearray(content)
    for place, value in edits:
        changed[int(place * (min(head or len(changed), len(changed)) - 1))] = value
    first, last = int(start * len(changed)), int((start + length) * len(changed))
    doubled = changed[:last] + changed[first:] if length > 0.1 else changed
    return bytes(doubled[: int(end * len(doubled))])


def with_leaf(record: Any, way: list[float], value: Any) -> Any:
    """A copy of JSON values in which one, found by going down `way`, is another."""
    changed = copy.deepcopy(record)
    at, steps = changed, list(way)
    while True:
        keys: list[Any] = sorted(at) if isinstance(at, dict) else list(range(len(at)))
        key = keys[int(steps[0] * (len(keys) - 1))]
        if len(steps) == 1 or not isinstance(at[key], dict | list) or not at[key]:
            at[key] = value
            return changed
        at, steps = at[key], steps[1:]


LEAF = st.tuples(
    st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from(HOSTILE).map(copy.deepcopy)
)


# Pictures


@pytest.mark.parametrize(
    "name", ["palette with a clear colour", "animated GIF", "turned JPEG 6", "WebP with alpha"]
)
@few(80)
@given(damage=DAMAGE, in_head=st.booleans())
def test_a_damaged_picture_is_a_picture_or_refused(name, damage, in_head):
    content = damaged(WELCOME[name].content, damage, 60 if in_head else None)
    with or_refused(DataError):
        upload = read_upload(BytesIO(content), "damaged")
        assert max(upload.pixels.shape) <= KEPT_SIDE
        image = upload.fitted((1, 8, 8))
        assert 0 <= image.min() <= image.max() <= 1
    with or_refused(DataError):
        assert read_square(BytesIO(content), "damaged", 8, 3).shape == (3, 8, 8)


# Codes


@few(80)
@given(damage=DAMAGE, head=st.sampled_from([None, 200]), packed=st.booleans())
def test_a_damaged_archive_is_finite_codes_or_refused(tmp_path_factory, damage, head, packed):
    file = BytesIO()
    generator = np.random.default_rng(0)
    arrays = {"codes": generator.normal(size=(60, 3)), "factors": generator.integers(0, 4, (60, 2))}
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(damaged(file.getvalue(), damage, head))
    with or_refused(DataError):
        assert np.isfinite(load_codes(path).codes).all()


# Checkpoints


@pytest.fixture(scope="module")
def copied(tiny_checkpoint, tmp_path_factory) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path_factory.mktemp("fuzzed") / "run"))


def opened(run: Run) -> None:
    """All that opening a checkpoint reads."""
    assert load_model(run).config == run.model
    assert np.isfinite(load_atlas(run).mean).all()
    assert all(isinstance(epoch, dict) for epoch in load_metrics(run))


@few(80)
@given(leaf=LEAF)
def test_a_record_with_a_hostile_value_is_usable_or_refused(copied, tiny_checkpoint, leaf):
    record = json.loads((tiny_checkpoint / RUN_FILE).read_text())
    (copied / RUN_FILE).write_text(json.dumps(with_leaf(record, *leaf)))
    with or_refused(CheckpointError):
        run = load_run(copied)
        opened(run)
        shown = [run.train.dataset, *run.class_names, run.provenance.created]
        assert "".join(shown).encode().decode().isprintable()


@few(80)
@given(damage=DAMAGE)
def test_damaged_json_is_usable_or_refused(copied, tiny_checkpoint, damage):
    (copied / RUN_FILE).write_bytes(damaged((tiny_checkpoint / RUN_FILE).read_bytes(), damage))
    with or_refused(CheckpointError):
        opened(load_run(copied))


@pytest.mark.parametrize("name", [WEIGHTS_FILE, ATLAS_FILE, METRICS_FILE])
@few(60)
@given(damage=DAMAGE, head=st.sampled_from([None, 8, 300]))
def test_damaged_files_that_the_record_vouches_for(copied, tiny_checkpoint, name, damage, head):
    run = load_run(tiny_checkpoint)
    content = damaged((tiny_checkpoint / name).read_bytes(), damage, head)
    vouched = run.sha256 | {name: hashlib.sha256(content).hexdigest()}
    (copied / name).write_bytes(content)
    with or_refused(CheckpointError):
        opened(dataclasses.replace(run, path=copied, sha256=vouched))
    shutil.copy(tiny_checkpoint / name, copied / name)


# Findings of studies, stored beside checkpoints


def few_data_found(path: Path) -> None:
    found = few_data.FewData.from_dict(read_study(path, "few-data").found)
    assert few_data.verdict(found, few_data.SAMPLES)
    assert few_data.verdict(found, few_data.SHIFTS)


def few_labels_found(path: Path) -> None:
    found = few_labels.FewLabels.from_dict(read_study(path, "few-labels").found)
    assert few_labels.verdict(found)


def latent_sizes_found(path: Path) -> None:
    assert latent_sizes.measures(read_finding(path, latent_sizes.LatentSizes))


STUDIES: dict[str, Callable[[Path], None]] = {
    "few-data-mnist.json": few_data_found,
    "few-labels-mnist.json": few_labels_found,
    "latent-sizes.json": latent_sizes_found,
}


@pytest.mark.parametrize("name", STUDIES)
@few(60)
@given(leaf=LEAF)
def test_a_stored_finding_with_a_hostile_value_is_usable_or_refused(tmp_path_factory, name, leaf):
    path = tmp_path_factory.getbasetemp() / name
    record = json.loads((PROJECT / "checkpoints" / name).read_text())
    path.write_text(json.dumps(with_leaf(record, *leaf)))
    with or_refused(VaeError):
        STUDIES[name](path)
