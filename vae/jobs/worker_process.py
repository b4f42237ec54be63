"""The process that trains beside the server: started once, and again where it has ended.

So no training takes the server's time, and none that is killed or lacks memory takes the server
along.
"""

import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import vae
from vae.jobs.messages import Command, Event, Stop
from vae.jobs.pipe import Pipe


@functools.cache
def training_process() -> "TrainingProcess":
    """The one of this server."""
    return TrainingProcess()


class TrainingProcess:
    """Starts the process, sends it orders, hears its news. One queue uses it at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changing = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._pipe: Pipe | None = None

    @property
    def pid(self) -> int | None:
        """The process as the system knows it; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start it where it does not run, so that it is warm when it is wanted."""
        with self._changing:
            if self.pid is None:
                self._forget()
                self._process = _start()
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._pipe = Pipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    def send(self, command: Command) -> None:
        """Start it where it does not run, and tell it what is wanted."""
        self.start()
        assert self._pipe is not None
        self._pipe.send(command)

    def stop(self, number: int) -> None:
        """Tell it to stop a job; nothing where it has just ended, which `hear` tells."""
        if self._pipe is not None and self.pid is not None:
            try:
                self._pipe.send(Stop(number))
            except OSError:
                return

    def receive(self) -> Event | int:
        """The next news; where it has ended, the exit status, below 0 that of a signal."""
        assert self._pipe is not None
        assert self._process is not None
        try:
            return self._pipe.receive()
        except (EOFError, OSError):
            return self._process.wait()

    def close(self) -> None:
        """End it, as the end of the server does, and wait until it has."""
        with self._changing:
            self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            for end in (self._process.stdin, self._process.stdout):
                assert end is not None
                end.close()
            self._process.wait()
            self._process = self._pipe = None


def _start() -> subprocess.Popen:
    """The server's own interpreter, which finds this very program."""
    root = str(Path(vae.__file__).resolve().parents[1])
    others = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([root, *([others] if others else [])])
    return subprocess.Popen(
        [sys.executable, "-m", "vae.jobs.worker_main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env=os.environ | {"PYTHONPATH": path},
    )
