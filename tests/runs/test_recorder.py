"""Tests that recorded runs can be stopped, resumed and overwritten."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError, IncompleteCheckpoint, MissingCheckpoint
from vae.explorer import Explorer
from vae.metrics.evaluation import evaluate
from vae.runs.checkpoint import load_metrics, load_model, load_run
from vae.runs.format import RESUME_FILE, RUN_FILE
from vae.runs.recorder import RecordedTraining
from vae.runs.run_folder import check_free

CPU = torch.device("cpu")
MODEL = ModelConfig((1, 8, 8), latent_dim=2)
TRAIN = TrainConfig("digits", epochs=3, batch_size=128, learning_rate=3e-3)
STEPS = 33  # three epochs of 11 batches


def start(path: Path, digits, overwrite: bool = False, **changes) -> RecordedTraining:
    return RecordedTraining.start(path, MODEL, replace(TRAIN, **changes), digits, CPU, overwrite)


def run_until(recorded: RecordedTraining, step: int) -> None:
    for report in recorded.run(report_seconds=0.0):
        if report.step == step:
            return


def complete(recorded: RecordedTraining):
    for _ in recorded.run():
        pass
    return recorded.finish()


def test_a_finished_run_is_a_checkpoint_with_a_line_per_epoch(tmp_path, digits):
    run = complete(start(tmp_path / "run", digits, beta=2.0, warmup_epochs=2.0))
    assert run == load_run(tmp_path / "run")
    metrics = load_metrics(run)
    assert [line["epoch"] for line in metrics] == [1, 2, 3]
    assert [line["beta"] for line in metrics] == pytest.approx([2 * 10 / 22, 2 * 21 / 22, 2.0])
    for line in metrics:
        assert line["rate"] == pytest.approx(sum(line["rate_per_dimension"]))
        assert line["validation_distortion"] > 0
        assert line["active_units"] in (0, 1, 2)
    assert metrics[-1]["distortion"] < metrics[0]["distortion"]
    found = evaluate(load_model(run), digits.test)
    assert run.results.test_elbo == pytest.approx(found.elbo, rel=1e-6)
    assert run.results.epochs_trained == 3
    assert not (tmp_path / "run" / RESUME_FILE).exists()


def test_a_stopped_run_is_a_checkpoint_that_can_be_resumed(tmp_path, digits):
    recorded = start(tmp_path, digits)
    run_until(recorded, 15)
    stopped = recorded.finish()
    assert stopped.stopped_early
    assert stopped.results.epochs_trained == pytest.approx(15 / 11)
    assert len(load_metrics(stopped)) == 1
    explorer = Explorer.open(tmp_path)
    assert explorer.run == stopped

    resumed = RecordedTraining.resume(tmp_path, digits, CPU)
    assert resumed.training.step == 15
    finished = complete(resumed)
    assert not finished.stopped_early
    assert [line["epoch"] for line in load_metrics(finished)] == [1, 2, 3]
    assert finished.identity != stopped.identity
    assert not (tmp_path / RESUME_FILE).exists()
    with pytest.raises(MissingCheckpoint, match="nothing to resume"):
        RecordedTraining.resume(tmp_path, digits, CPU)


def test_a_resumed_run_gives_the_checkpoint_of_an_uninterrupted_one(tmp_path, digits):
    whole = complete(start(tmp_path / "whole", digits))
    recorded = start(tmp_path / "parts", digits)
    for step in (3, 17, 30):
        run_until(recorded, step)
        recorded.finish()
        recorded = RecordedTraining.resume(tmp_path / "parts", digits, CPU)
    parts = complete(recorded)
    assert parts.identity == whole.identity
    assert parts.results.test_elbo == whole.results.test_elbo
    for line, other in zip(load_metrics(parts), load_metrics(whole), strict=True):
        for key in ("epoch", "beta", "validation_distortion", "validation_rate", "active_units"):
            assert line[key] == other[key]


def test_a_killed_run_is_resumed_from_its_last_saved_state(tmp_path, digits, monkeypatch):
    monkeypatch.setattr("vae.runs.recorder.SAVE_SECONDS", 0.0)
    run_until(start(tmp_path, digits), 20)
    with pytest.raises(IncompleteCheckpoint, match="did not finish"):
        load_run(tmp_path)
    assert not (tmp_path / RUN_FILE).exists()
    resumed = RecordedTraining.resume(tmp_path, digits, CPU)
    assert 15 <= resumed.training.step <= 20
    whole = complete(start(tmp_path.parent / "whole", digits))
    assert complete(resumed).identity == whole.identity


def test_a_new_run_accepts_an_empty_or_a_new_folder(tmp_path):
    check_free(tmp_path / "new", overwrite=False)
    check_free(tmp_path, overwrite=False)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_new_run_never_accepts_a_file_or_a_folder_with_other_files(tmp_path, digits, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(CheckpointError, match="holds other files"):
        start(tmp_path, digits, overwrite)
    with pytest.raises(CheckpointError, match="is a file"):
        start(tmp_path / "thesis.tex", digits, overwrite)
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.tex"]
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_run_is_replaced_only_with_overwrite(tmp_path, digits):
    old = complete(start(tmp_path, digits, epochs=1))
    with pytest.raises(CheckpointError, match="--overwrite to replace it"):
        start(tmp_path, digits)
    assert load_run(tmp_path) == old
    new = complete(start(tmp_path, digits, overwrite=True, epochs=1, seed=9))
    assert load_run(tmp_path).identity == new.identity != old.identity


def test_an_unfinished_run_is_replaced_only_with_overwrite(tmp_path, digits):
    recorded = start(tmp_path, digits)
    run_until(recorded, 5)
    recorded.finish()
    (tmp_path / RUN_FILE).unlink()
    with pytest.raises(CheckpointError, match="--resume to continue"):
        start(tmp_path, digits)
    start(tmp_path, digits, overwrite=True)
    assert not (tmp_path / RESUME_FILE).exists()


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "{}",
        '{"model": 3, "train": {}, "epochs": []}',
        '{"model": {"latent_dim": 2}, "train": {}, "epochs": []}',
    ],
)
def test_a_damaged_record_of_an_unfinished_run_is_refused(tmp_path, digits, record):
    save_file({"step": torch.tensor(3)}, tmp_path / RESUME_FILE, {"record": record})
    with pytest.raises(CheckpointError) as caught:
        RecordedTraining.resume(tmp_path, digits, CPU)
    assert "\n" not in str(caught.value)


def test_a_record_without_its_epochs_is_refused(tmp_path, digits):
    import json

    recorded = start(tmp_path, digits)
    run_until(recorded, 2)
    record = json.dumps({"model": MODEL.to_dict(), "train": TRAIN.to_dict()})
    save_file(recorded.training.state(), tmp_path / RESUME_FILE, {"record": record})
    with pytest.raises(CheckpointError):
        RecordedTraining.resume(tmp_path, digits, CPU)
