"""Tests that two processes cannot train in one folder, and that the second changes nothing."""

import subprocess
import sys
from collections.abc import Iterator
from errno import EBADF
from pathlib import Path

import pytest
import torch

from vae.__main__ import main
from vae.cli import distributed
from vae.core.errors import CheckpointError
from vae.runs.lock import RunLock, is_locked, lock_folders
from vae.training.distributed import SINGLE_PROCESS

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = "--dataset digits --arch mlp --latent-dim 2 --epochs 1 --device cpu --threads 1"
TRAINING = """
import sys
from pathlib import Path
from vae.runs.lock import RunLock

lock = RunLock.acquire(Path(sys.argv[1]))
print("holds it", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> Iterator[Path]:
    """Return the folder of the second run of a sweep, while another process trains in it."""
    folder = tmp_path_factory.mktemp("sweep") / "beta-4"
    command = [sys.executable, "-c", TRAINING, str(folder)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "holds it\n"
        yield folder
        process.stdin.close()
    assert not is_locked(folder)


SWEEP = "sweep --betas 1,4 --out {root}"


@pytest.mark.parametrize(
    "command",
    [
        "train --beta 4 --out {root}/beta-4",
        "train --beta 4 --out {root}/beta-4 --overwrite",
        SWEEP,
        f"{SWEEP} --engine ray",
    ],
)
def test_a_command_is_refused_a_folder_in_which_a_process_trains(taken, command, capsys):
    if "ray" in command:
        pytest.importorskip("ray")
    assert main([*command.format(root=taken.parent).split(), *SETTINGS.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"another process trains in {taken}" in line
    assert list(taken.parent.iterdir()) == [taken]
    assert list(taken.iterdir()) == []


def test_the_first_process_of_torchrun_locks_the_folder(taken, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(distributed, "follow", lambda run, _: seen.append(is_locked(run.path)))
    for name in ("broadcast", "broadcast_state"):
        monkeypatch.setattr(type(SINGLE_PROCESS), name, lambda *_: None)
    lead(tmp_path / "run")
    assert seen == [True]
    assert not is_locked(tmp_path / "run")
    with pytest.raises(CheckpointError, match="another process trains in"):
        lead(taken)


def lead(out: Path) -> None:
    """Run the part of the first of several processes."""
    from vae.__main__ import _parser
    from vae.cli.settings import train_config

    options = _parser().parse_args(["train", *SETTINGS.split(), "--out", str(out)])
    config = train_config(options, options.beta, options.seed)
    distributed._lead(options, config, SINGLE_PROCESS, SharedStore())


class SharedStore:
    """A store that no other process reads."""

    def read(self, name: str) -> None:
        return None

    def write(self, name: str, text: str) -> None:
        pass

    def set_once(self, name: str) -> bool:
        return True


def test_all_folders_are_locked_or_none_and_empty_ones_are_removed(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with lock_folders([first]):
        with pytest.raises(CheckpointError), lock_folders([second, first]):
            raise AssertionError
        assert not second.exists()
        assert is_locked(first)
        (first / "weights").touch()
    assert not is_locked(first)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_on_a_file_system_without_locks_no_folder_is_locked(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(EBADF, "Bad file descriptor")

    monkeypatch.setattr("vae.runs.lock.flock", refuse)
    assert not is_locked(tmp_path)
    RunLock.acquire(tmp_path).release()
