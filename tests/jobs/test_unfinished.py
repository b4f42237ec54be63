"""Tests that the queue resumes unfinished runs and does not train finished ones again."""

import dataclasses
import os
import signal

import pytest
import torch

from tests.support.training_jobs import LONG, SHORT, ended, varied
from tests.support.waiting import wait_for
from vae.core.errors import CheckpointError, LimitError, MissingCheckpoint
from vae.jobs.eta import queue_etas
from vae.jobs.limits import Limits
from vae.jobs.queue import TrainingQueue
from vae.jobs.unfinished import unfinished_runs
from vae.runs.checkpoint import load_run
from vae.runs.format import METRICS_FILE, RESUME_FILE
from vae.runs.lock import RunLock
from vae.runs.recorder import RecordedTraining
from vae.runs.resume import load_resume_state, save_resume_state


@pytest.fixture
def left(tmp_path, digits):
    """Return the folder of a run that ended after the first of its four epochs."""
    train = dataclasses.replace(SHORT.train, epochs=4)
    path = tmp_path / "left"
    model = SHORT.model_for(digits.image_shape, 10)
    run = RecordedTraining.start(path, model, train, digits, torch.device("cpu"))
    for report in run.run():
        if report.ends_epoch:
            run.record_report(report, save_seconds=-1.0)
            run.save_state()
            break
    return path


def test_an_unfinished_run_is_found_with_its_settings_and_its_progress(left):
    (found,) = unfinished_runs(left.parent)
    assert (found.name, found.train.epochs) == ("left", 4)
    assert found.request == dataclasses.replace(SHORT, train=found.train)
    assert 1 <= found.epochs < 4
    assert found.seconds_ago < 600


@pytest.mark.slow
def test_a_resumed_run_continues_where_it_stopped_and_becomes_a_checkpoint(left):
    queue = TrainingQueue(left.parent)
    (found,) = queue.unfinished_runs()
    job = queue.resume(found)
    assert queue.resume(found) is job
    assert queue.unfinished_runs() == []
    assert ended(job).status == "done"
    assert job.path == left
    assert [report.epoch for report in job.epochs] == [2, 3, 4]
    assert load_run(left).results.epochs_trained == 4
    assert len((left / METRICS_FILE).read_text().splitlines()) >= 4
    assert queue.unfinished_runs() == []


def test_a_discarded_run_leaves_nothing(left):
    queue = TrainingQueue(left.parent)
    (found,) = queue.unfinished_runs()
    found.discard()
    assert list(left.parent.iterdir()) == []
    with pytest.raises(MissingCheckpoint, match="nothing to resume"):
        queue.resume(found)


def test_a_run_whose_perceptual_model_lies_elsewhere_needs_the_command_line(left):
    state, record = load_resume_state(left)
    record["train"] |= {"perceptual": 1.0, "critic": str(left.parent.parent / "classifier")}
    save_resume_state(left, state, record)
    queue = TrainingQueue(left.parent)
    (found,) = queue.unfinished_runs()
    with pytest.raises(CheckpointError, match="resume it with `vae train --resume`"):
        queue.resume(found)
    assert queue.jobs == []


def test_a_run_in_which_another_process_trains_is_not_offered(left):
    lock = RunLock.acquire(left)
    assert unfinished_runs(left.parent) == []
    lock.release()
    assert len(unfinished_runs(left.parent)) == 1


def test_damaged_states_are_left_out(left):
    (left / RESUME_FILE).write_bytes(b"\x00" * 100)
    assert unfinished_runs(left.parent) == []


@pytest.mark.slow
def test_a_killed_job_is_offered_and_can_be_resumed(tmp_path):
    queue = TrainingQueue(tmp_path, save_seconds=0.0)
    job = queue.submit(LONG)
    wait_for(lambda: len(job.epochs) > 3)
    assert queue.unfinished_runs() == []
    os.kill(queue.process.pid, signal.SIGKILL)
    assert ended(job).status == "failed"
    (found,) = queue.unfinished_runs()
    again = queue.resume(found)
    assert [report.epoch for report in again.epochs] == [report.epoch for report in job.epochs]
    wait_for(lambda: again.latest is not None)
    queue.stop(again)
    assert ended(again).has_checkpoint


def test_a_finished_run_is_found_and_counts_in_a_sweep(tmp_path):
    queue = TrainingQueue(tmp_path)
    assert queue.find_finished(SHORT) is None
    done = ended(queue.submit(SHORT))
    fresh = TrainingQueue(tmp_path)
    assert fresh.find_finished(SHORT).path == done.path
    other = varied(SHORT, seed=1)
    assert fresh.find_finished(other) is None
    sweep = fresh.submit_sweep([SHORT, other])
    assert sweep.jobs[0].status == "done"
    assert [report.epoch for report in sweep.jobs[0].epochs] == [1, 2]
    assert ended(sweep.jobs[1]).status == "done"
    assert sweep.progress == 1.0
    assert fresh.submit_sweep([SHORT]).ended


@pytest.mark.slow
def test_a_stopped_run_is_kept_and_resumes_to_the_result_of_an_uninterrupted_one(tmp_path):
    request = varied(SHORT, epochs=60)
    queue = TrainingQueue(tmp_path / "stopped")
    job = queue.submit(request)
    wait_for(lambda: len(job.epochs) > 1)
    queue.stop(job)
    assert ended(job).has_checkpoint
    assert queue.find_finished(request) is None
    (found,) = queue.unfinished_runs()
    assert found.has_checkpoint
    assert queue.find_unfinished(request) == found
    kept = load_run(found.path)
    (again,) = queue.submit_sweep([request]).jobs
    assert (again.path, again.resumes) == (job.path, True)
    assert queue.find_unfinished(request) is None
    assert load_run(found.path) == kept
    whole = TrainingQueue(tmp_path / "whole").submit(request)
    assert ended(again).status == ended(whole).status == "done"
    assert load_run(again.path).identity == load_run(whole.path).identity
    assert [report.epoch for report in again.epochs] == list(range(1, 61))
    assert queue.unfinished_runs() == []


def test_a_stopped_run_whose_resume_is_cancelled_stays_as_it_is(left):
    queue = TrainingQueue(left.parent)
    first = queue.submit(LONG)
    wait_for(lambda: first.latest is not None)
    waiting = queue.resume(queue.unfinished_runs()[0])
    queue.stop(waiting)
    assert (waiting.status, waiting.message) == (
        "stopped",
        "stopped before it began; it can still be resumed",
    )
    assert [run.path for run in queue.unfinished_runs()] == [left]
    queue.stop(first)
    ended(first)


def test_a_sweep_beyond_the_limits_is_refused_as_a_whole(tmp_path):
    queue = TrainingQueue(tmp_path, limits=Limits(jobs=2))
    betas = [varied(LONG, beta=beta) for beta in (1.0, 2.0, 4.0)]
    with pytest.raises(LimitError, match="ask for 2 instead of 3"):
        queue.submit_sweep(betas)
    assert queue.jobs == []
    jobs = [queue.submit(each) for each in betas[:2]]
    assert queue.submit(betas[0]) is jobs[0]
    with pytest.raises(LimitError, match="2 wait or train already"):
        queue.submit(betas[2])
    for job in jobs:
        queue.stop(job)
        ended(job)


def test_the_etas_list_running_jobs_first_and_add_up(tmp_path):
    queue = TrainingQueue(tmp_path)
    known = ended(queue.submit(SHORT))
    first = queue.submit(LONG)
    wait_for(lambda: first.latest is not None)
    sweep = queue.submit_sweep([SHORT, SHORT.with_model(latent_dim=3)])
    last = queue.submit(LONG.with_model(latent_dim=5))
    entries = queue_etas(queue.jobs, [])
    assert sweep.jobs[0] is known
    assert [entry.number for entry in entries] == [first.number, sweep.jobs[1].number, last.number]
    assert [entry.is_waiting for entry in entries] == [False, True, True]
    assert entries[0].seconds_until_start == 0
    assert entries[1].seconds_until_start == pytest.approx(entries[0].seconds_left)
    assert entries[2].seconds_until_start == pytest.approx(
        entries[0].seconds_left + entries[1].seconds_left
    )
    for job in queue.jobs:
        queue.stop(job)
    ended(first)
