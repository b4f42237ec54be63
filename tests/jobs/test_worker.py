"""Tests that errors inside the training process end jobs and not the process."""

import logging
import math
import threading
import time
from collections import deque
from queue import SimpleQueue

import numpy as np
import pytest
import torch

from tests.support.training_jobs import SHORT, ended, varied
from tests.support.waiting import wait_for
from vae.core.errors import CheckpointError
from vae.jobs.cancellation import INTERRUPTED, CancelFlags
from vae.jobs.jobs import Snapshot
from vae.jobs.messages import Accepted, AllEnded, Ended, JobSpec, Reported, Saving, Started
from vae.jobs.queue import TrainingQueue
from vae.jobs.worker import NO_MEMORY, DatasetCache, train_jobs
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE
from vae.runs.lock import RunLock, is_locked
from vae.runs.recorder import RecordedTraining
from vae.runs.resume import load_resume_state
from vae.training import TrainingRun
from vae.training.stepper import Stepper


class InThisProcess:
    """A training process inside the test process, where the test can patch code."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.events = deque()

    def send(self, command) -> None:
        self.events.append(Accepted())
        train_jobs(command.jobs, DatasetCache(), self.events.append, CancelFlags())
        self.events.append(AllEnded())

    def receive(self):
        return self.events.popleft()


class Scripted:
    """A training process that does not train and returns the events of the test."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.commands = []
        self.events = SimpleQueue()

    def send(self, command) -> None:
        self.events.put(Accepted())
        self.commands.append(command)

    def stop(self, number) -> None:
        pass

    def receive(self):
        return self.events.get()


@pytest.fixture
def queue(tmp_path) -> TrainingQueue:
    return TrainingQueue(tmp_path, InThisProcess())


def raising(error: Exception):
    def broken(*_, **__):
        raise error

    return broken


def test_a_bug_fails_the_job_and_is_logged_and_the_next_job_runs(queue, monkeypatch, caplog):
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("vae.jobs.worker.load_dataset", raising(ZeroDivisionError("a bug")))
        failed = ended(queue.submit(SHORT))
    assert failed.status == "failed"
    assert "log has the details" in failed.message
    assert "ZeroDivisionError" in caplog.text
    assert not failed.path.exists()
    assert ended(queue.submit(SHORT)).status == "done"


def test_a_bug_in_a_step_fails_the_jobs_that_share_it(queue, monkeypatch, caplog):
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(Stepper, "step", raising(ZeroDivisionError("a bug")))
        sweep = queue.submit_sweep([varied(SHORT, beta=1.0), varied(SHORT, beta=4.0)])
        assert [ended(job).status for job in sweep.jobs] == ["failed", "failed"]
    assert "ZeroDivisionError" in caplog.text
    assert ended(queue.submit(SHORT)).status == "done"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: out of memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_out_of_memory_is_reported_in_one_sentence(queue, monkeypatch, caplog, error):
    monkeypatch.setattr(Stepper, "step", raising(error))
    job = ended(queue.submit(SHORT))
    assert (job.status, job.message) == ("failed", NO_MEMORY)
    assert caplog.text == ""


def test_a_run_that_diverges_does_not_stop_the_others_of_its_sweep(queue, monkeypatch):
    report = TrainingRun.report

    def broken(training, images, sums, **options):
        return report(training, images, sums * (math.nan if training.config.beta == 4 else 1))

    monkeypatch.setattr(TrainingRun, "report", broken)
    sweep = queue.submit_sweep([varied(SHORT, beta=beta) for beta in (1.0, 4.0, 10.0)])
    assert [ended(job).status for job in sweep.jobs] == ["done", "failed", "done"]
    assert "no longer finite" in sweep.jobs[1].message


def test_a_run_whose_checkpoint_cannot_be_written_can_be_resumed(queue, monkeypatch):
    with monkeypatch.context() as patched:
        refusal = CheckpointError("the checkpoint could not be written; free some space there")
        patched.setattr("vae.runs.recorder.save_checkpoint", raising(refusal))
        job = ended(queue.submit(SHORT))
    assert (job.status, job.message, job.has_checkpoint) == ("failed", str(refusal), False)
    assert (job.path / RESUME_FILE).is_file()
    events = []
    train_jobs(
        [JobSpec(7, SHORT, job.path, resumes=True)], DatasetCache(), events.append, CancelFlags()
    )
    assert events[-1] == Ended(7, "done", has_checkpoint=True)
    assert load_run(job.path).train == SHORT.train


def test_the_state_is_saved_when_the_server_is_gone(tmp_path):
    flags, events = CancelFlags(), []

    def emit(event):
        events.append(event)
        if not isinstance(event, Started):
            flags.server_gone.set()

    train_jobs(
        [JobSpec(1, varied(SHORT, epochs=10_000), tmp_path / "run")],
        DatasetCache(),
        emit,
        flags,
    )
    assert not any(isinstance(event, Ended) for event in events)
    assert [file.name for file in (tmp_path / "run").iterdir()] == [RESUME_FILE]


def test_all_jobs_are_saved_before_the_first_stopped_one_is_evaluated(tmp_path, monkeypatch):
    """A job that still trains is saved too, so an interrupted evaluation loses no steps."""
    flags, events, finish = CancelFlags(), [], RecordedTraining.finish
    batches = {1: 64, 2: 32, 3: 16}
    specs = [
        JobSpec(n, varied(SHORT, batch_size=batch, epochs=10_000), tmp_path / str(n))
        for n, batch in batches.items()
    ]
    flags.begin(batches)

    def emit(event):
        events.append(event)
        if isinstance(event, Reported) and event.number == 3:
            flags.cancel(1)
            flags.cancel(2)

    def evaluate(run):
        if run.path.name != "3":
            assert sum(isinstance(event, Saving) for event in events) == 2
            steps = {n: int(load_resume_state(tmp_path / str(n))[0]["step"]) for n in batches}
            assert min(steps.values()) > 0
            flags.cancel(3)
        return finish(run)

    monkeypatch.setattr(RecordedTraining, "finish", evaluate)
    train_jobs(specs, DatasetCache(), emit, flags)
    assert [event.number for event in events if isinstance(event, Ended)] == [1, 2, 3]
    assert all(load_run(spec.path).stopped_early for spec in specs)


def test_the_state_is_saved_before_the_last_step_of_an_epoch_with_a_slow_evaluation(
    tmp_path, monkeypatch
):
    """A stop that interrupts the evaluation then costs one step at most."""
    saved, evaluate = [], TrainingRun.evaluate_now

    def slow(training):
        saved.append((training.step, int(load_resume_state(tmp_path / "run")[0]["step"])))
        busy = time.process_time()
        while len(saved) == 1 and time.process_time() - busy < 0.6:
            sum(range(10_000))
        return evaluate(training)

    monkeypatch.setattr(TrainingRun, "evaluate_now", slow)
    train_jobs(
        [JobSpec(1, varied(SHORT, epochs=3), tmp_path / "run")],
        DatasetCache(),
        [].append,
        CancelFlags(),
    )
    steps = len(saved) and saved[0][0]
    assert saved == [(steps, steps - 1), (2 * steps, 2 * steps - 1), (3 * steps, 2 * steps - 1)]


def test_an_interrupted_evaluation_is_repeated_by_the_next_process(tmp_path):
    """A job whose evaluation someone skipped is not evaluated and can be resumed."""
    process = Scripted()
    queue = TrainingQueue(tmp_path, process)
    sweep = queue.submit_sweep([varied(SHORT, beta=1.0), varied(SHORT, beta=4.0)])
    wait_for(lambda: process.commands)
    none = np.zeros((0, 8, 8, 1), np.uint8)
    for job in sweep.jobs:
        process.events.put(Started(job.number, 0, none, Snapshot(0, none, none)))
    wait_for(lambda: all(job.status == "training" for job in sweep.jobs))
    for job in sweep.jobs:
        job.path.mkdir()
        (job.path / RESUME_FILE).touch()
        queue.stop(job)
        process.events.put(Saving(job.number))
    wait_for(lambda: all(job.status == "saving" for job in sweep.jobs))
    queue.stop(sweep.jobs[1])
    process.events.put(INTERRUPTED)
    wait_for(lambda: len(process.commands) == 2)
    (spec,) = process.commands[1].jobs
    assert (spec.number, spec.evaluate_only) == (sweep.jobs[0].number, True)
    assert "it can be resumed" in sweep.jobs[1].message


def test_a_folder_in_which_another_process_trains_is_refused(tmp_path):
    lock, events = RunLock.acquire(tmp_path / "run"), []
    assert is_locked(tmp_path / "run")
    train_jobs([JobSpec(1, SHORT, tmp_path / "run")], DatasetCache(), events.append, CancelFlags())
    assert events[-1].status == "failed"
    assert "another process trains in" in events[-1].message
    lock.release()
    assert not is_locked(tmp_path / "run")
