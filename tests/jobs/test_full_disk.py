"""Tests that a full disk fails the job that it concerns and nothing else."""

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.training_jobs import SHORT, ended, varied
from vae.jobs.queue import TrainingQueue
from vae.jobs.worker_process import TrainingProcess
from vae.runs.catalogue import read_catalogue
from vae.runs.checkpoint import load_model
from vae.runs.request import RunRequest

LARGE = RunRequest.of(SHORT.train, architecture="mlp-deep", latent_dim=512)
"""Its weights and Adam moments take more than 3 MB; those of SHORT take 0.6 MB."""


@pytest.fixture
def process() -> Iterator[TrainingProcess]:
    found = TrainingProcess()
    yield found
    found.close()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Mount a file system of 2 MB; skip the test if that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def check_full_disk(queue: TrainingQueue) -> None:
    """Check that older runs stay, that a large one fails with a sentence, and that others train."""
    before = ended(queue.submit(SHORT))
    assert before.status == "done"
    failed = ended(queue.submit(LARGE))
    assert failed.status == "failed"
    assert "free some space" in failed.message
    assert not failed.has_checkpoint
    (run,) = read_catalogue(queue.root).runs
    assert run.path == before.path
    load_model(run)
    assert read_catalogue(queue.root).errors == ()
    assert not failed.path.exists()
    assert ended(queue.submit(varied(SHORT, seed=1))).status == "done"


@pytest.mark.slow
def test_a_full_disk_fails_one_job_alone(small_disk, process):
    check_full_disk(TrainingQueue(small_disk, process))


@pytest.mark.slow
def test_a_limit_on_file_sizes_fails_one_job_alone(tmp_path, process):
    process.start()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2 * 2**20, 2 * 2**20))
    check_full_disk(TrainingQueue(tmp_path, process))
