"""Tests that the queue trains jobs in order, shows their progress and stops them."""

import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.training_jobs import LONG, SHORT, ended, varied
from tests.support.waiting import wait_for
from vae.core.config import TrainConfig
from vae.core.errors import ConfigError, DataError
from vae.jobs.queue import TrainingQueue
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE
from vae.runs.request import RunRequest


@pytest.fixture
def queue(tmp_path) -> TrainingQueue:
    return TrainingQueue(tmp_path)


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


def test_a_stop_ends_a_run_early_and_keeps_its_checkpoint(queue):
    job = queue.submit(LONG)
    wait_for(lambda: job.latest is not None)
    queue.stop(job)
    ended(job)
    run = load_run(job.path)
    assert run.stopped_early
    assert run.results.epochs_trained < LONG.train.epochs / 10
    assert (job.path / RESUME_FILE).is_file()


def test_a_job_stopped_in_the_queue_never_begins(queue):
    first, second = queue.submit(LONG), queue.submit(SHORT)
    queue.stop(second)
    queue.stop(first)
    assert ended(second).status == "stopped"
    assert not second.path.exists()


def test_a_repeated_request_returns_the_active_job(queue):
    first = queue.submit(LONG)
    assert queue.submit(LONG) is first
    queue.stop(first)
    ended(first)
    again = queue.submit(LONG)
    assert again is not first
    assert again.path != first.path
    queue.stop(again)


def test_missing_data_fail_the_job_with_a_sentence_and_the_next_job_runs(queue, tmp_path):
    missing = RunRequest.of(
        TrainConfig(f"folder:{tmp_path / 'none'}"), architecture="mlp", latent_dim=2
    )
    failed, fine = queue.submit(missing), queue.submit(SHORT)
    assert ended(failed).status == "failed"
    assert "there is no folder" in failed.message
    assert ended(fine).status == "done"


def test_names_never_collide(tmp_path):
    Path(tmp_path / "digits-mlp-2-beta-1-seed-0").mkdir()
    queue = TrainingQueue(tmp_path)
    paths = {queue.submit(SHORT).path, queue.submit(LONG).path}
    assert len(paths) == 2
    assert tmp_path / "digits-mlp-2-beta-1-seed-0" not in paths
    for job in queue.jobs:
        queue.stop(job)
        ended(job)


def test_the_jobs_of_a_sweep_train_together_and_later_ones_wait(queue):
    sweep = queue.submit_sweep([varied(LONG, beta=beta) for beta in (1.0, 4.0)])
    later = queue.submit(SHORT)
    wait_for(lambda: all(len(job.epochs) > 1 for job in sweep.jobs))
    assert [job.status for job in sweep.jobs] == ["training", "training"]
    assert later.status == "queued"
    queue.stop_sweep(sweep)
    assert ended(later).status == "done"
    assert [job.status for job in sweep.jobs] == ["stopped", "stopped"]


def test_a_sweep_gives_the_checkpoints_of_single_runs(queue, tmp_path):
    requests = [varied(SHORT, beta=beta) for beta in (1.0, 4.0)]
    sweep = queue.submit_sweep(requests)
    assert [job.request for job in sweep.jobs] == requests
    wait_for(lambda: sweep.ended)
    assert sweep.progress == 1.0
    alone = ended(queue.submit(requests[1]))
    together = load_run(sweep.jobs[1].path)
    expected = load_run(alone.path).results.test_elbo
    assert together.results.test_elbo == pytest.approx(expected, rel=1e-4)
    assert together.name == "digits-mlp-2-beta-4-seed-0"


def test_stopping_one_job_of_a_sweep_does_not_stop_the_others(queue):
    sweep = queue.submit_sweep([LONG, varied(SHORT, beta=4.0)])
    wait_for(lambda: sweep.jobs[0].epochs)
    queue.stop(sweep.jobs[0])
    assert [ended(job).status for job in sweep.jobs] == ["stopped", "done"]


def test_nothing_is_queued_if_one_setting_is_invalid(queue):
    with pytest.raises(ConfigError, match="latent_dim"):
        queue.submit_sweep([SHORT, RunRequest.of(SHORT.train, architecture="mlp", latent_dim=0)])
    with pytest.raises(ConfigError, match="beta_range"):
        RunRequest.of(
            TrainConfig("digits", objective="beta-tcvae"),
            architecture="mlp",
            latent_dim=2,
            beta_range=(0.1, 10),
        )
    with pytest.raises(DataError, match="no data set"):
        RunRequest.of(TrainConfig("nowhere"), architecture="mlp", latent_dim=2)
    with pytest.raises(ConfigError, match="one run or more"):
        queue.submit_sweep([])
    assert queue.jobs == queue.sweeps == []


def test_sweeps_that_overlap_share_jobs_and_are_stopped_separately(queue):
    first = queue.submit_sweep([varied(LONG, beta=beta) for beta in (1.0, 4.0)])
    second = queue.submit_sweep([varied(LONG, beta=beta) for beta in (4.0, 10.0)])
    assert second is not first
    assert second.jobs[0] is first.jobs[1]
    assert queue.submit_sweep([job.request for job in first.jobs]) is first
    queue.stop_sweep(first)
    assert [job.stopping for job in first.jobs] == [True, False]
    queue.stop_sweep(second)
    assert all(job.stopping for job in second.jobs)


def test_a_sweep_knows_its_progress_and_the_time_left(queue):
    sweep = queue.submit_sweep([varied(LONG, epochs=400, beta=beta) for beta in (1.0, 4.0)])
    assert sweep.seconds_left is None
    wait_for(lambda: sweep.progress > 0.04)
    left, share = sweep.seconds_left, sweep.progress
    assert left == pytest.approx(sweep.seconds * (1 / share - 1), rel=0.5)
    assert sweep.job_seconds_left(sweep.jobs[0]) == pytest.approx(left, rel=0.5)
    queue.stop_sweep(sweep)
    wait_for(lambda: sweep.ended)
    seconds = sweep.seconds
    after = time.monotonic()
    wait_for(lambda: time.monotonic() > after)
    assert sweep.seconds == seconds


def test_a_multi_rate_model_can_be_requested(queue):
    job = ended(queue.submit(SHORT.with_model(beta_range=(0.1, 10.0))))
    assert job.status == "done"
    assert load_run(job.path).model.beta_range == (0.1, 10.0)
    assert job.name == "digits-mlp-2-multi-rate-seed-0"


def test_jobs_that_cannot_train_together_take_turns(queue):
    """Jobs with other batch sizes cannot share a step, and all of them must end."""
    sweep = queue.submit_sweep([SHORT, varied(SHORT, batch_size=32), varied(SHORT, beta=4.0)])
    assert [ended(job).status for job in sweep.jobs] == ["done"] * 3
