"""Tests the training process when it is killed, stopped in a long step, or loses its server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.training_jobs import LONG, SHORT, ended
from tests.support.waiting import wait_for
from vae.core.config import TrainConfig
from vae.jobs.queue import TrainingQueue
from vae.jobs.worker_process import TrainingProcess, training_process
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE
from vae.runs.lock import is_locked
from vae.runs.request import RunRequest

PROJECT = Path(__file__).resolve().parents[2]
SLOW = RunRequest.of(
    TrainConfig(
        "sprites:scale=2,orientation=4,x=12,y=12",
        epochs=50,
        batch_size=4096,
        validation_fraction=0.0,
    ),
    architecture="resnet",
    latent_dim=2,
)
"""Each epoch is one step, which takes seconds."""


@pytest.fixture
def queue(tmp_path) -> TrainingQueue:
    return TrainingQueue(tmp_path, save_seconds=0.0)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_a_killed_process_fails_its_jobs_and_a_new_one_trains_the_next(queue):
    sweep = queue.submit_sweep([LONG, LONG.with_model(latent_dim=3)])
    later = queue.submit(SHORT)
    wait_for(lambda: all(len(job.epochs) > 1 for job in sweep.jobs))
    killed = queue.process.pid
    os.kill(killed, signal.SIGKILL)
    for job in sweep.jobs:
        assert ended(job).status == "failed"
        assert "most likely for lack of memory" in job.message
        assert "it can be resumed" in job.message
        assert (job.path / RESUME_FILE).is_file()
    assert ended(later).status == "done"
    assert queue.process.pid not in (None, killed)


def test_a_process_killed_before_it_saved_leaves_no_folder(tmp_path):
    queue = TrainingQueue(tmp_path)
    job = queue.submit(SLOW)
    wait_for(lambda: job.status == "training")
    os.kill(queue.process.pid, signal.SIGKILL)
    assert "train it again" in ended(job).message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_process_that_dies_while_idle_is_replaced(queue):
    ended(queue.submit(SHORT))
    idle = queue.process.pid
    os.kill(idle, signal.SIGKILL)
    assert ended(queue.submit(SHORT)).status == "done"
    assert queue.process.pid != idle


@pytest.mark.slow
def test_a_stop_reaches_a_job_in_the_middle_of_a_long_step(queue):
    """A new process evaluates the state before that step, and the checkpoint is kept."""
    job, later = queue.submit(SLOW), queue.submit(SHORT)
    wait_for(lambda: job.latest is not None and (job.path / RESUME_FILE).is_file())
    interrupted = queue.process.pid
    queue.stop(job)
    wait_for(lambda: job.status == "saving" or queue.process.pid != interrupted)
    assert ended(job).status == "stopped"
    assert job.has_checkpoint
    assert load_run(job.path).stopped_early
    assert ended(later).status == "done"


@pytest.mark.slow
def test_a_second_stop_ends_the_evaluation_too(queue):
    job = queue.submit(SLOW)
    wait_for(lambda: job.latest is not None and (job.path / RESUME_FILE).is_file())
    queue.stop(job)
    wait_for(lambda: job.status == "saving")
    queue.stop(job)
    ended(job)
    assert (job.path / RESUME_FILE).is_file()
    assert job.has_checkpoint == (job.path / "run.json").is_file()


def test_the_process_has_a_high_oom_score_and_a_low_priority(queue):
    ended(queue.submit(SHORT))
    pid = queue.process.pid
    assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 900
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


@pytest.mark.slow
def test_memory_beyond_the_limit_fails_one_job_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_TRAINING_GIGABYTES", "2")
    process = TrainingProcess()
    queue = TrainingQueue(tmp_path, process)
    try:
        job = ended(queue.submit(SLOW.with_model(latent_dim=64)))
        assert job.status == "failed"
        assert "choose a smaller batch or network" in job.message
        assert ended(queue.submit(SHORT)).status == "done"
    finally:
        process.close()


SERVER = """
import sys, time
from pathlib import Path
from vae.core.config import TrainConfig
from vae.runs.request import RunRequest
from vae.jobs.queue import TrainingQueue

queue = TrainingQueue(Path(sys.argv[1]))
job = queue.submit(RunRequest.of(TrainConfig("digits", epochs=10_000), latent_dim=2))
while len(job.epochs) < 2:
    time.sleep(0.02)
print(queue.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_the_process_saves_its_state_and_ends_when_the_server_is_killed(tmp_path):
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as server:
        pid = int(server.stdout.readline())
        (run,) = tmp_path.iterdir()
        assert is_locked(run)
        server.kill()
    wait_for(lambda: not is_alive(pid))
    assert (run / RESUME_FILE).is_file()
    wait_for(lambda: not is_locked(run))


def test_one_process_serves_all_queues_of_a_server(tmp_path):
    first, second = TrainingQueue(tmp_path / "a"), TrainingQueue(tmp_path / "b")
    assert first.process is second.process is training_process()
    assert [ended(queue.submit(SHORT)).status for queue in (first, second)] == ["done", "done"]
