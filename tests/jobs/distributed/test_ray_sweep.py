"""Tests a sweep on Ray with two workers of this machine, one of which is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray
import torch
from ray.cluster_utils import Cluster

from vae.__main__ import main
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ClusterError, ConfigError
from vae.jobs.distributed import ray_sweep
from vae.runs.checkpoint import load_run
from vae.runs.format import RESUME_FILE
from vae.runs.resume import save_resume_state

SETTINGS = "--dataset digits --arch mlp --latent-dim 2 --batch-size 128 --device cpu --threads 1"


@pytest.fixture(autouse=True)
def _no_network():
    """Replace the fixture that blocks the network: Ray calls this machine by its address."""


@pytest.fixture(autouse=True)
def _same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster of two machines with one core each, and return its address."""
    whole = Cluster(
        head_node_args={"num_cpus": 1, "include_dashboard": False}, initialize_head=True
    )
    whole.add_node(num_cpus=1)
    yield whole.address
    whole.shutdown()


def command(out: object, *more: object, epochs: int = 2) -> list[str]:
    words = ["sweep", *SETTINGS.split(), "--epochs", epochs, "--out", out, *more, "--json"]
    return [str(word) for word in words]


@pytest.fixture
def vae(capsys):
    """Return a function that runs a command and returns its runs and its standard error."""

    def run(arguments: list[str]) -> tuple[list[dict], str]:
        assert main(arguments) == 0
        captured = capsys.readouterr()
        (line,) = captured.out.splitlines()
        return json.loads(line)["runs"], captured.err

    return run


@pytest.fixture
def refused(capsys):
    """Return a function that runs a refused command and returns the lines of its error."""

    def run(arguments: list[str]) -> list[str]:
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    return run


@pytest.mark.slow
def test_the_results_equal_those_without_ray(vae, refused, cluster, tmp_path, monkeypatch):
    grid = ["--betas", "1,4", "--seeds", "0,1"]
    on_ray = command(tmp_path / "ray", *grid, "--engine", "ray", "--address", cluster)
    found, told = vae(on_ray)
    expected, _ = vae(command(tmp_path / "local", *grid))
    assert [(run["beta"], run["seed"]) for run in found] == [(1, 0), (1, 1), (4, 0), (4, 1)]
    for run, other in zip(found, expected, strict=True):
        assert run.keys() == other.keys()
        for key in ("test_distortion", "test_rate"):
            assert run[key] == pytest.approx(other[key], rel=1e-5)
        assert Path(run["checkpoint"]).name == Path(other["checkpoint"]).name
        assert load_run(run["checkpoint"]).train == load_run(other["checkpoint"]).train
    progress = [line for line in told.splitlines() if re.match(r"\d of 4: beta-\d-seed-\d, ", line)]
    assert len(progress) == 4

    # Existing runs are refused, kept, or have other settings. None of this needs a cluster.
    monkeypatch.setattr(ray_sweep, "connected_to_ray", lambda *_: pytest.fail("it trained again"))
    assert "--overwrite" in refused(on_ray)[-1]
    assert vae([*on_ray, "--resume"]) == (found, "")
    assert "other settings" in refused([*on_ray, "--resume", "--epochs", "3"])[-1]


def parents() -> dict[int, tuple[int, str]]:
    listed = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[2]) for row in rows if len(row) == 3}


def worker_of(name: str) -> int | None:
    """Return the process of this test's own cluster that trains a run."""
    known = parents()
    for pid, (parent, title) in known.items():
        if title.strip() != f"ray::vae {name}":
            continue
        while parent in known and parent != os.getpid():
            parent = known[parent][0]
        if parent == os.getpid():
            return pid
    return None


def kill_once_published(state: Path, name: str, killed: list[int]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and not killed:
        worker = worker_of(name) if state.exists() else None
        if worker is not None:
            os.kill(worker, signal.SIGKILL)
            killed.append(worker)
        time.sleep(0.02)


@pytest.mark.slow
def test_the_run_of_a_killed_worker_continues_from_its_published_state(
    vae, cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr("vae.runs.recorder.SAVE_SECONDS", 0.0)
    killed: list[int] = []
    state = tmp_path / "ray" / "beta-1" / RESUME_FILE
    killer = threading.Thread(target=kill_once_published, args=(state, "beta-1", killed))
    killer.start()
    more = ["--betas", "1,4", "--engine", "ray", "--address", cluster]
    runs, told = vae(command(tmp_path / "ray", *more, epochs=80))
    killer.join()
    assert len(killed) == 1
    (line,) = (line for line in told.splitlines() if "beta-1," in line)
    assert int(line.partition("continued from step ")[2]) > 0
    assert all(load_run(run["checkpoint"]).results.epochs_trained == 80 for run in runs)
    assert not state.exists()


def damaged_state(path: Path) -> None:
    """Write an unfinished run with the settings of the sweep and a state that fits no model."""
    train = TrainConfig("digits", epochs=2, batch_size=128, beta=4.0, warmup_epochs=1.0)
    record = {"model": ModelConfig((1, 8, 8), 2).to_dict(), "train": train.to_dict(), "epochs": []}
    save_resume_state(path, {"step": torch.tensor(3)}, record)


@pytest.mark.slow
def test_a_run_that_fails_does_not_stop_the_others(refused, cluster, tmp_path):
    damaged_state(tmp_path / "beta-4")
    more = ["--betas", "1,4,2", "--engine", "ray", "--address", cluster, "--resume"]
    *_, last = refused(command(tmp_path, *more))
    assert last.startswith("vae: 1 of 3 runs failed (beta-4; the first: the saved training state")
    for name in ("beta-1", "beta-2"):
        assert load_run(tmp_path / name).results.epochs_trained == 2


@pytest.mark.slow
def test_a_sweep_over_data_sets_into_a_url_starts_its_own_cluster(tmp_path):
    """A process of its own starts the cluster, and its standard output is the result alone."""
    url = (tmp_path / "sweep").as_uri()
    sprites = "sprites:orientation=1,scale=2,x=8,y=8,side=32"
    words = command(url, "--betas", "1", "--engine", "ray", "--overwrite", epochs=1)
    at = words.index("--dataset")
    words[at : at + 2] = ["--datasets", f"digits,{sprites}"]
    done = subprocess.run(
        [sys.executable, "-m", "vae", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    runs = json.loads(line)["runs"]
    assert [run["dataset"] for run in runs] == ["digits", sprites]
    for run in runs:
        name = run["checkpoint"].removeprefix(f"{url}/")
        assert name.startswith(("digits-beta-1", "sprites-"))
        assert load_run(tmp_path / "sweep" / name).train.dataset == run["dataset"]
    known = r"\d of 2: |.* To change that: "
    assert not [line for line in done.stderr.splitlines() if not re.match(known, line)]


def test_without_ray_the_error_says_how_to_install_it(refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (line,) = refused(command(tmp_path / "out", "--betas", "1", "--engine", "ray"))
    assert "Ray is not installed" in line
    assert '-e ".[ray]"' in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:none", "ray://:3"])
def test_an_address_without_a_cluster_is_refused(refused, tmp_path, address):
    more = ["--betas", "1", "--engine", "ray", "--address", address]
    (line,) = refused(command(tmp_path, *more))
    assert "no Ray cluster answers" in line or "is not the address" in line


@pytest.mark.parametrize(
    ("out", "more", "words"),
    [
        ("s3://bucket/sweep", [], "is a URL"),
        ("out", ["--address", "auto"], "--address goes with --engine ray"),
        ("out", ["--gpus", "0.5"], "--gpus goes with --engine ray"),
        ("nosuch://bucket/sweep", ["--engine", "ray"], "cannot be written to"),
        ("out", ["--engine", "ray", "--threads", "0"], "threads must be"),
    ],
)
def test_options_that_do_not_fit_the_engine_are_refused(refused, tmp_path, out, more, words):
    folder = out if "://" in out else tmp_path / out
    (line,) = refused(command(folder, "--betas", "1", *more))
    assert words in line
    assert not (tmp_path / "out").exists()


def machines(address: str | None = None, **changes) -> ray_sweep.RayOptions:
    given = {"threads": 1, "device": "auto", "gpus": None} | changes
    return ray_sweep.RayOptions(address, **given)


def fake_cluster(**resources: float) -> SimpleNamespace:
    nodes = [{"Resources": {"CPU": 1.0}}, {"Resources": resources}]
    return SimpleNamespace(nodes=lambda: nodes, cluster_resources=lambda: resources)


def test_a_run_takes_a_gpu_if_there_are_any_and_the_device_allows_it():
    def gpus(cluster, **options):
        return ray_sweep._gpus_per_run(cluster, machines(**options))

    with_gpus, without = fake_cluster(CPU=8, GPU=2), fake_cluster(CPU=8)
    assert gpus(with_gpus) == 1
    assert gpus(with_gpus, device="cpu") == 0
    assert gpus(with_gpus, gpus=0.25) == 0.25
    assert gpus(without) == 0
    assert gpus(without, device="cuda") == 1
    assert gpus(with_gpus, gpus=0) == gpus(with_gpus, gpus=0, device="cpu") == 0
    for contradiction in ({"device": "cpu", "gpus": 1}, {"device": "cuda", "gpus": 0}):
        with pytest.raises(ConfigError, match="contradict each other"):
            gpus(with_gpus, **contradiction)


def test_resources_that_no_machine_has_are_refused_here_and_awaited_on_a_cluster(capsys):
    cluster = fake_cluster(CPU=8)
    ray_sweep._check_resources(cluster, machines(threads=8), 0)
    with pytest.raises(ClusterError, match="has 9 CPUs, at most 8"):
        ray_sweep._check_resources(cluster, machines(threads=9), 0)
    with pytest.raises(ClusterError, match="has 1 GPUs, at most 0"):
        ray_sweep._check_resources(cluster, machines(), 1)
    assert capsys.readouterr().err == ""
    ray_sweep._check_resources(cluster, machines("head:6379", threads=9), 0)
    assert "waiting for one to join" in capsys.readouterr().err


def test_an_error_of_the_program_is_raised_and_a_dead_worker_is_reported():
    class Fails(ray.exceptions.RayTaskError):
        def __init__(self):
            pass

    def get(error):
        def raise_it(_):
            raise error

        return SimpleNamespace(get=raise_it, exceptions=ray.exceptions)

    with pytest.raises(ray.exceptions.RayTaskError):
        ray_sweep._result(get(Fails()), None)
    failed = ray_sweep._result(get(ray.exceptions.WorkerCrashedError()), None)
    assert failed.reason.startswith("its workers died 6 times")
