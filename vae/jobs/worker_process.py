"""Starts the training process beside the server, and starts it again if it has ended.

Training in a process of its own takes no interpreter time from the server. If the process is
killed or runs out of memory, the server survives.

Example:
    >>> process = training_process()
    >>> process.send(Train(jobs, data_dir, save_seconds=20.0))
    >>> event = process.receive()
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
    """Return the training process of this server."""
    return TrainingProcess()


class TrainingProcess:
    """Starts the process, sends it commands and receives its events.

    A queue holds `lock` while it uses the process.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None

    @property
    def pid(self) -> int | None:
        """Process id; None while the process does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process unless it runs, so that it is ready for the first job."""
        with self._changing:
            if self.pid is None:
                self._forget()
                self._process = _start()
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._pipe = Pipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    def send(self, command: Command) -> None:
        """Start the process unless it runs, and send it a command."""
        self.start()
        assert self._pipe is not None
        self._pipe.send(command)

    def stop(self, number: int) -> None:
        """Ask the process to stop a job. If the process has just ended, `receive` says so."""
        if self._pipe is not None and self.pid is not None:
            try:
                self._pipe.send(Stop(number))
            except OSError:
                return

    def receive(self) -> Event | int:
        """Wait for the next event. Return the exit status if the process has ended.

        A negative status is that of a signal.
        """
        assert self._pipe is not None
        assert self._process is not None
        try:
            event: Event = self._pipe.receive()
            return event
        except (EOFError, OSError):
            return self._process.wait()

    def close(self) -> None:
        """Close the pipe, as the end of the server does, and wait until the process has ended."""
        with self._changing:
            self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            for end in (self._process.stdin, self._process.stdout):
                assert end is not None
                end.close()
            self._process.wait()
            self._process = self._pipe = None


def _start() -> subprocess.Popen[bytes]:
    """Start the worker in the server's interpreter, with this copy of the package on its path."""
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
