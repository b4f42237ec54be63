"""What goes wrong inside the training process ends jobs, not the process."""

import dataclasses
import logging
import math
import threading
import time
from collections import deque

import pytest
import torch

from vae.checkpoint import RESUME_FILE, load_run
from vae.config import TrainConfig
from vae.errors import CheckpointError
from vae.queue.job_worker import NO_MEMORY, OneDataset, train_jobs
from vae.queue.jobs import Job, Request
from vae.queue.messages import Accepted, AllEnded, Begun, Ended, Task
from vae.queue.orders import Orders
from vae.queue.training_queue import TrainingQueue
from vae.run_lock import RunLock, is_held
from vae.training import Training
from vae.training.engine import Engine

SHORT = Request(TrainConfig("digits", epochs=2, batch_size=64), "mlp", 2)


class InThisProcess:
    """Trains where the test can break things."""

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.news = deque()

    def send(self, order) -> None:
        self.news.append(Accepted())
        train_jobs(order.tasks, OneDataset(), self.news.append, Orders())
        self.news.append(AllEnded())

    def hear(self):
        return self.news.popleft()


@pytest.fixture
def queue(tmp_path) -> TrainingQueue:
    return TrainingQueue(tmp_path, InThisProcess())


def ended(job: Job) -> Job:
    deadline = time.monotonic() + 60
    while not job.ended:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return job


def at_beta(beta: float) -> Request:
    return dataclasses.replace(SHORT, train=dataclasses.replace(SHORT.train, beta=beta))


def raising(error: Exception):
    def broken(*_, **__):
        raise error

    return broken


def test_a_bug_fails_the_job_reaches_the_log_and_the_next_one_runs(queue, monkeypatch, caplog):
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("vae.queue.job_worker.load_dataset", raising(ZeroDivisionError("a bug")))
        failed = ended(queue.submit(SHORT))
    assert failed.status == "failed"
    assert "log has the details" in failed.message
    assert "ZeroDivisionError" in caplog.text
    assert not failed.path.exists()
    assert ended(queue.submit(SHORT)).status == "done"


def test_a_bug_in_a_step_fails_those_that_share_it(queue, monkeypatch, caplog):
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(Engine, "take", raising(ZeroDivisionError("a bug")))
        sweep = queue.submit_all([at_beta(1.0), at_beta(4.0)])
        assert [ended(job).status for job in sweep.jobs] == ["failed", "failed"]
    assert "ZeroDivisionError" in caplog.text
    assert ended(queue.submit(SHORT)).status == "done"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_memory_that_is_refused_is_one_calm_sentence(queue, monkeypatch, caplog, error):
    monkeypatch.setattr(Engine, "take", raising(error))
    job = ended(queue.submit(SHORT))
    assert (job.status, job.message) == ("failed", NO_MEMORY)
    assert caplog.text == ""


def test_one_that_diverges_leaves_the_others_of_its_sweep(queue, monkeypatch):
    report = Training.report

    def broken(training, images, sums, **options):
        return report(training, images, sums * (math.nan if training.config.beta == 4 else 1))

    monkeypatch.setattr(Training, "report", broken)
    sweep = queue.submit_all([at_beta(beta) for beta in (1.0, 4.0, 10.0)])
    assert [ended(job).status for job in sweep.jobs] == ["done", "failed", "done"]
    assert "no longer finite" in sweep.jobs[1].message


def test_a_checkpoint_that_cannot_be_written_leaves_what_was_learnt(queue, monkeypatch):
    with monkeypatch.context() as patched:
        refusal = CheckpointError("the checkpoint could not be written; free some space there")
        patched.setattr("vae.recorder.save_checkpoint", raising(refusal))
        job = ended(queue.submit(SHORT))
    assert (job.status, job.message, job.saved) == ("failed", str(refusal), False)
    assert (job.path / RESUME_FILE).is_file()
    news = []
    train_jobs([Task(7, SHORT, job.path, resumes=True)], OneDataset(), news.append, Orders())
    assert news[-1] == Ended(7, "done", saved=True)
    assert load_run(job.path).train == SHORT.train


def test_where_the_server_is_gone_the_state_is_saved_and_the_process_stops(tmp_path):
    long = dataclasses.replace(SHORT, train=dataclasses.replace(SHORT.train, epochs=10_000))
    orders, news = Orders(), []

    def tell(told):
        news.append(told)
        if not isinstance(told, Begun):
            orders.abandoned.set()

    train_jobs([Task(1, long, tmp_path / "run")], OneDataset(), tell, orders)
    assert not any(isinstance(told, Ended) for told in news)
    assert [file.name for file in (tmp_path / "run").iterdir()] == [RESUME_FILE]


def test_a_folder_in_which_somebody_trains_is_refused(tmp_path):
    lock, news = RunLock.take(tmp_path / "run"), []
    assert is_held(tmp_path / "run")
    train_jobs([Task(1, SHORT, tmp_path / "run")], OneDataset(), news.append, Orders())
    assert news[-1].status == "failed"
    assert "somebody trains in" in news[-1].message
    lock.release()
    assert not is_held(tmp_path / "run")
