"""Stored findings are read as they were written; damaged and foreign files are refused."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vae.analysis.failure_modes.attempt import STORED, StoredFailures, load_stored_failures
from vae.analysis.findings import (
    Finding,
    StoredScores,
    StudyFinding,
    finding_file,
    load_scores,
    read_finding,
    read_study,
    save_scores,
    study_command,
    write_finding,
)
from vae.analysis.latent_sizes import FILE, LatentSizes
from vae.core.errors import (
    CheckpointError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    MissingCheckpoint,
    NewerCheckpoint,
    StaleScores,
    TamperedCheckpoint,
)
from vae.runs.checkpoint import load_run
from vae.runs.format import SCORES_FILE

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
SETTINGS = {"rows": 300, "estimator": "random-forest", "seed": 0}
SOME = {"mig": 0.25, "note": None, "factor_vae_by_seed": [0.5, 0.75]}


def some_scores() -> Finding:
    return StoredScores.now("0" * 64, SETTINGS, SOME)


def some_study() -> Finding:
    return StudyFinding.now("few-data", "vae few-data", {"dataset": "digits"})


def shipped_sizes() -> Finding:
    found = read_finding(CHECKPOINTS / FILE, LatentSizes)
    assert found is not None
    return found


KINDS: list[Callable[[], Finding]] = [
    some_scores,
    some_study,
    shipped_sizes,
    load_stored_failures,
]


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def finding(request) -> Finding:
    """A finding of each kind."""
    return request.param()


@pytest.fixture
def file(finding, tmp_path) -> Path:
    """The file of that finding."""
    write_finding(tmp_path / "new" / "finding.json", finding)
    return tmp_path / "new" / "finding.json"


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_finding_comes_back_as_it_was_written(finding, file):
    assert read_finding(file, type(finding)) == finding
    assert [path.name for path in file.parent.iterdir()] == ["finding.json"]


def test_the_file_holds_the_record_and_its_format(finding, file):
    head = {"format": finding.format_name, "format_version": 1}
    assert json.loads(file.read_text()) == head | json.loads(json.dumps(finding.to_dict()))


def test_no_file_is_no_finding(finding, tmp_path):
    assert read_finding(tmp_path / "absent.json", type(finding)) is None


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"format": "something"}, ForeignCheckpoint, "has the format 'something', not latent-"),
        ({"format_version": "1"}, ForeignCheckpoint, "format version '1', not a number"),
        ({"format_version": 2}, NewerCheckpoint, "update the program"),
        ({"mood": "good"}, TamperedCheckpoint, "unknown key 'mood'"),
    ],
)
def test_a_changed_file_is_refused(finding, file, changes, error, words):
    edit(file, **changes)
    with pytest.raises(error, match=words) as caught:
        read_finding(file, type(finding))
    assert type(caught.value) is error
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_key_is_checked(finding, file):
    whole = json.loads(file.read_text())
    for key in finding.to_dict():
        file.write_text(json.dumps(whole | {key: [None]}))
        with pytest.raises(CheckpointError, match="is not valid"):
            read_finding(file, type(finding))


@pytest.mark.parametrize("text", ["", "{", "[" * 9000, "[]", "3", "{}"])
def test_a_file_that_holds_no_finding(finding, file, text):
    file.write_text(text)
    with pytest.raises((IncompleteCheckpoint, ForeignCheckpoint)):
        read_finding(file, type(finding))


def test_a_finding_that_cannot_be_written(finding, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for target in (tmp_path / "file" / "finding.json", tmp_path / "folder"):
        with pytest.raises(CheckpointError, match="cannot be written"):
            write_finding(target, finding)


def test_a_study_does_not_read_what_another_found(tmp_path):
    file = finding_file(tmp_path, "few-data", "digits")
    assert read_study(file, "few-data") is None
    write_finding(file, some_study())
    assert read_study(file, "few-data") == read_finding(file, StudyFinding)
    with pytest.raises(ForeignCheckpoint, match="not few-labels"):
        read_study(file, "few-labels")


def test_the_command_of_a_study_can_be_pasted_into_a_shell():
    command = study_command("few-data", "a b", dataset="folder:/x y", latent_dims="2,4", out=None)
    assert command == "vae few-data 'a b' --dataset 'folder:/x y' --latent-dims 2,4"


def test_data_sets_of_any_name_have_files_of_their_own(tmp_path):
    names = ["mnist", "mnist:without=3", "folder:/some/where", "folder:/else/where", "x" * 300]
    files = [finding_file(tmp_path, "few-data", name) for name in names]
    assert len(set(files)) == len(names)
    assert all(file.parent == tmp_path and len(file.name) < 200 for file in files)


def test_the_outcomes_that_ship_are_written_as_they_are_read(tmp_path):
    write_finding(tmp_path / "again.json", load_stored_failures())
    assert (tmp_path / "again.json").read_text() == STORED.read_text()
    with pytest.raises(MissingCheckpoint, match="vae failures"):
        load_stored_failures(tmp_path / "absent.json")


def test_findings_of_earlier_versions_are_read():
    for study in ("few-data", "few-labels"):
        assert read_study(finding_file(CHECKPOINTS, study, "mnist"), study) is not None
    assert isinstance(shipped_sizes(), LatentSizes)
    assert isinstance(load_stored_failures(), StoredFailures)


# Scores


@pytest.fixture
def run_with_scores(copied_checkpoint):
    """A run whose folder holds scores."""
    run = load_run(copied_checkpoint)
    save_scores(run, StoredScores.now(run.identity, SETTINGS, SOME))
    return run


def test_a_run_has_no_scores_until_some_are_saved(tiny_checkpoint):
    assert load_scores(load_run(tiny_checkpoint)) is None


def test_scores_lie_in_the_folder_of_the_run(run_with_scores):
    stored = load_scores(run_with_scores)
    assert stored == read_finding(run_with_scores.path / SCORES_FILE, StoredScores)
    assert (stored.settings, stored.scores) == (SETTINGS, SOME)
    assert stored.weights == run_with_scores.identity
    assert stored.versions.keys() >= {"python", "numpy", "scikit-learn"}
    assert load_run(run_with_scores.path) == run_with_scores


def test_scores_of_other_weights_are_refused(run_with_scores):
    other = dataclasses.replace(run_with_scores, sha256={"model.safetensors": "0" * 64})
    with pytest.raises(StaleScores, match="is of other weights; measure again"):
        load_scores(other)
