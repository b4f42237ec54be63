"""The app as the README starts it, for the browser tests and the benchmarks."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGES = ["", "map", "decode", "interpolate", "compare", "lab", "train"]
IDLE = '.stApp[data-test-script-state="notRunning"]'


@dataclass(frozen=True)
class AppServer:
    """A server under way."""

    address: str
    """http://…"""
    pid: int
    log: Path


@contextmanager
def running_app(folder: Path, checkpoints: Path, *options: str, **settings: str) -> Iterator[str]:
    """A server of its own, by its address; see `running_server`."""
    with running_server(folder, checkpoints, *options, **settings) as server:
        yield server.address


@contextmanager
def running_server(
    folder: Path, checkpoints: Path, *options: str, **settings: str
) -> Iterator[AppServer]:
    """A server of its own; its log in `folder` must stay free of tracebacks.

    `options` are Streamlit's own, `settings` environment variables. It finds no data set unless a
    setting says where one is, and prepares nothing behind its first page.
    """
    environment = os.environ | {
        "LATENT_CHECKPOINTS": str(checkpoints),
        "LATENT_DATA_DIR": str(folder / "no-data"),
        "OMP_NUM_THREADS": "1",
        "LATENT_WARM_UP": "0",
        **settings,
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    port = free_port()
    command += ["--server.port", str(port), *options]
    with served(command, port, PROJECT, environment, folder / "log") as server:
        yield server


@contextmanager
def served(
    command: Sequence[str], port: int, cwd: Path, environment: Mapping[str, str], log: Path
) -> Iterator[AppServer]:
    """The server that a command starts, until the block ends."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_up(port, log)
            yield AppServer(f"http://localhost:{port}", process.pid, log)
        finally:
            process.terminate()
            process.wait(20)
    assert "Traceback" not in log.read_text(), log.read_text()


def link_shipped_models(folder: Path, *names: str, without: Collection[str] = ()) -> None:
    """Create a folder of links to the models that ship: to all of them, or to those named.

    Models in `without` are left out.
    """
    folder.mkdir(exist_ok=True)
    for item in (PROJECT / "checkpoints").iterdir():
        if item.name not in without and (not names or item.name in names):
            (folder / item.name).symlink_to(item)


def settled(page) -> None:
    """Wait until the page has been drawn, its navigation too, and the server is done with it."""
    page.wait_for_selector("h1")
    page.locator("a[data-testid='stPageLink-NavLink']").nth(len(PAGES) - 1).wait_for()
    page.wait_for_selector(IDLE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not come up: {log.read_text()}")
