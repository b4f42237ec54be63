"""The training queue: in order, watched from outside, stopped, never brought down by a job."""

import logging
import time
from pathlib import Path

import numpy as np
import pytest

from vae.checkpoint import RESUME_FILE, load_run
from vae.config import TrainConfig
from vae.jobs import Job, Request, TrainingQueue

SHORT = Request(TrainConfig("digits", epochs=2, batch_size=64), "mlp", 2)
LONG = Request(TrainConfig("digits", epochs=10_000), "mlp", 2)


@pytest.fixture
def queue(tmp_path) -> TrainingQueue:
    return TrainingQueue(tmp_path)


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def ended(job: Job) -> Job:
    wait_for(lambda: job.ended)
    return job


def test_a_job_ends_as_a_checkpoint_and_shows_every_epoch(queue):
    job = ended(queue.submit(SHORT))
    assert job.status == "done"
    assert [report.epoch for report in job.epochs] == [1, 2]
    assert [snapshot.epoch for snapshot in job.snapshots] == [0, 1, 2]
    assert load_run(job.path).train == SHORT.train


def test_snapshots_show_the_same_images_and_codes_as_they_sharpen(queue):
    job = ended(queue.submit(SHORT))
    first, last = job.snapshots[0], job.snapshots[-1]
    assert job.originals.shape == first.reconstructions.shape == first.samples.shape
    before, after = (
        np.abs(shot.reconstructions.astype(float) - job.originals).mean() for shot in (first, last)
    )
    assert after < 0.8 * before


def test_jobs_run_one_after_the_other_in_order(queue):
    first, second = queue.submit(LONG), queue.submit(SHORT)
    wait_for(lambda: first.status == "training")
    assert second.status == "queued"
    queue.stop(first)
    assert ended(second).status == "done"
    assert first.status == "stopped"


def test_a_stop_is_quick_and_keeps_a_run_that_can_go_on(queue):
    job = queue.submit(LONG)
    wait_for(lambda: job.latest is not None)
    asked = time.monotonic()
    queue.stop(job)
    ended(job)
    assert time.monotonic() - asked < 5
    assert load_run(job.path).stopped_early
    assert (job.path / RESUME_FILE).is_file()


def test_a_job_stopped_in_the_queue_never_begins(queue):
    first, second = queue.submit(LONG), queue.submit(SHORT)
    queue.stop(second)
    queue.stop(first)
    assert ended(second).status == "stopped"
    assert not second.path.exists()


def test_the_same_request_under_way_is_the_same_job(queue):
    first = queue.submit(LONG)
    assert queue.submit(LONG) is first
    queue.stop(first)
    ended(first)
    again = queue.submit(LONG)
    assert again is not first
    assert again.path != first.path
    queue.stop(again)


def test_bad_input_fails_the_job_in_a_sentence_and_the_next_one_runs(queue, tmp_path):
    missing = Request(TrainConfig(f"folder:{tmp_path / 'none'}"), "mlp", 2)
    failed, fine = queue.submit(missing), queue.submit(SHORT)
    assert ended(failed).status == "failed"
    assert "there is no folder" in failed.message
    assert ended(fine).status == "done"


def test_a_bug_fails_the_job_reaches_the_log_and_the_next_one_runs(queue, monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("vae.jobs.load_dataset", broken)
        failed = ended(queue.submit(SHORT))
    assert failed.status == "failed"
    assert "log" in failed.message
    assert "ZeroDivisionError" in caplog.text
    assert ended(queue.submit(SHORT)).status == "done"


def test_names_never_collide(tmp_path):
    Path(tmp_path / "digits-mlp-2-beta-1-seed-0").mkdir()
    queue = TrainingQueue(tmp_path)
    paths = {queue.submit(SHORT).path, queue.submit(LONG).path}
    assert len(paths) == 2
    assert tmp_path / "digits-mlp-2-beta-1-seed-0" not in paths
    for job in queue.jobs:
        queue.stop(job)
        ended(job)
