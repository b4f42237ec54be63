"""Two processes under torchrun give the results of one, also after one of them is killed."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from tests.support import torchrun_driver
from vae.__main__ import main
from vae.core.config import ModelConfig
from vae.core.errors import ConfigError
from vae.models.posterior import standard_normal
from vae.models.vae import VAE
from vae.training.distributed import SINGLE_PROCESS, ProcessGroup, TorchrunEnv

PROJECT = Path(__file__).resolve().parents[2]
DRIVER = PROJECT / "tests" / "support" / "torchrun_driver.py"
TRAIN = (
    "train --dataset digits --arch mlp --latent-dim 2 --beta 0.2 --epochs 4 --batch-size 64 "
    "--learning-rate 5e-3 --device cpu --threads 1 --json"
).split()


def torchrun(*arguments: object, folder: Path, restarts: int = 0) -> subprocess.CompletedProcess:
    """Run two local processes; the output of the second one goes to files below `folder`."""
    options = (
        f"--standalone --nproc-per-node 2 --max-restarts {restarts} --redirects 1:3 --log-dir logs"
    )
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *options.split(), *map(str, arguments)],
        cwd=folder,
        env={
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    second = [*folder.glob("logs/*/attempt_*/1/std*.log")]
    assert len(second) >= 2
    assert [file.read_text() for file in second] == [""] * len(second)
    return done


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> list[dict[str, dict[str, Tensor]]]:
    """Return the final state of each of two processes in all cases."""
    folder = tmp_path_factory.mktemp("steps")
    done = torchrun(DRIVER, "steps", folder, folder=folder)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", torchrun_driver.CASES)
def test_steps_of_two_processes_equal_those_of_one(digits, states, name):
    first, second = (each[name] for each in states)
    assert all(torch.equal(first[key], second[key]) for key in first if key != "seconds")
    alone = torchrun_driver.take_steps(name, digits)
    weights = [key for key in alone if key.startswith("model.")]
    found, expected = (torch.cat([s[k].flatten() for k in weights]) for s in (first, alone))
    assert float((found - expected).norm() / expected.norm()) < 1e-5
    torch.testing.assert_close(first["sums"], alone["sums"], rtol=1e-5, atol=1e-5)
    assert torch.equal(first["noise"], alone["noise"])
    assert first["step"] == alone["step"] == torchrun_driver.STEPS


@pytest.mark.slow
def test_a_killed_process_is_restarted_and_the_run_continues(tmp_path, capsys):
    folder = tmp_path / "two"
    done = torchrun(DRIVER, "killed", *TRAIN, "--out", folder, folder=tmp_path, restarts=1)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert (record["processes"], record["checkpoint"]) == (2, str(folder))
    assert 0 < int((tmp_path / "resumed").read_text()) <= torchrun_driver.EVENT

    assert main([*TRAIN, "--out", str(tmp_path / "one")]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["active_units"] == record["active_units"] > 0
    assert record["test_distortion"] == pytest.approx(alone["test_distortion"], rel=1e-5)
    assert record["test_rate"] == pytest.approx(alone["test_rate"], rel=1e-5)
    files = [sorted(file.name for file in run.iterdir()) for run in (folder, tmp_path / "one")]
    assert files[0] == files[1]
    metrics = [(run / "metrics.jsonl").read_text() for run in (folder, tmp_path / "one")]
    assert metrics[0].count("\n") == metrics[1].count("\n") == 4


@pytest.mark.slow
def test_divergence_is_reported_once(tmp_path):
    folder = tmp_path / "run"
    done = torchrun(DRIVER, "diverges", *TRAIN, "--out", folder, folder=tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("vae:")]
    assert len(errors) == 1
    assert "the loss is no longer finite" in errors[0]
    assert "[rank" not in done.stderr
    assert [file.name for file in folder.iterdir()] == ["resume.safetensors"]


# Tests in this process, as if torchrun had started it


@pytest.fixture
def under_torchrun(monkeypatch):
    """Make this process one of two, with a store like that of torchrun."""
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    values = {
        "RANK": 0,
        "WORLD_SIZE": 2,
        "LOCAL_RANK": 0,
        "LOCAL_WORLD_SIZE": 2,
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": store.port,
        "TORCHELASTIC_RESTART_COUNT": 0,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    return store


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*TRAIN, "--free-bits", "0.1"], "free_bits (0.1) needs a whole batch at once"),
        ([*TRAIN, "--objective", "beta-tcvae"], "objective beta-tcvae needs a whole batch"),
        (["sweep", *TRAIN[1:7], "--betas", "1,2", "--out", "x"], "vae sweep runs in one process"),
        (["list"], "vae list runs in one process"),
        ([*TRAIN, "--threads", "0"], "threads must be"),
    ],
)
def test_losses_that_processes_cannot_divide_are_refused_by_the_leader_alone(
    under_torchrun, capsys, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vae: ")
    assert words in line
    for rank, attempt in ((1, 0), (0, 1), (1, 1)):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(attempt))
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_other_processes_download_nothing_and_report_missing_data(
    under_torchrun, monkeypatch, capsys, tmp_path
):
    class Second(ProcessGroup):
        def broadcast(self, value):
            return (1, 28, 28)

    @contextmanager
    def join_process_group(*_arguments):
        yield Second(1, 2)

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr("vae.cli.distributed.join_process_group", join_process_group)
    monkeypatch.setattr("vae.cli.distributed.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("it downloads"))
    command = [*TRAIN, "--dataset", "mnist", "--data-dir", str(tmp_path), "--out", "run"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"MNIST is not in {tmp_path} and was not downloaded" in line
    assert list(tmp_path.iterdir()) == []


def test_a_single_process_is_not_under_torchrun(under_torchrun, monkeypatch):
    assert TorchrunEnv.read() == TorchrunEnv(rank=0, size=2, local_rank=0, local_size=2, attempt=0)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert TorchrunEnv.read() is None
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK")
    assert TorchrunEnv.read() is None


def test_each_process_has_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    torchrun_env = TorchrunEnv(rank=5, size=6, local_rank=1, local_size=2, attempt=0)
    assert torchrun_env.device("auto") == torch.device("cuda", 1)
    assert torchrun_env.device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match="3 processes share a machine with 2 GPUs"):
        TorchrunEnv(rank=0, size=3, local_rank=0, local_size=3, attempt=0).device("cuda")


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_shards_of_a_batch_are_even_and_complete(size, count):
    parts = [range(count)[ProcessGroup(rank, size).shard(count)] for rank in range(size)]
    assert [row for part in parts for row in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert SINGLE_PROCESS.shard(count) == slice(0, count)


def test_given_noise_and_a_generator_give_the_same_sample():
    model, images = VAE.seeded(ModelConfig((1, 8, 8), latent_dim=3), 1), torch.rand(5, 1, 8, 8)
    drawn = model.elbo_terms(images, torch.Generator().manual_seed(4))
    noise = standard_normal((5, 3), torch.Generator().manual_seed(4))
    given = model.elbo_terms(images[2:], noise[2:])
    torch.testing.assert_close(given.z, drawn.z[2:])
    torch.testing.assert_close(given.distortion, drawn.distortion[2:])
