"""The training process: `python -m vae.jobs.worker_main`, started by `vae.jobs.worker_process`.

It reads commands from standard input and writes events to standard output. When the server ends,
the process saves the states of its runs and ends within EXIT_SECONDS. It lowers its own priority
and raises its OOM score, so that the system slows down or kills it before the server.
"""

import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vae.jobs.cancellation import CancelFlags
from vae.jobs.pipe import Pipe

if TYPE_CHECKING:
    from vae.jobs.messages import Train

EXIT_SECONDS = 10.0
"""Time to save the states after the server has ended."""

MEMORY_VARIABLE = "LATENT_TRAINING_GIGABYTES"
"""Environment variable: the memory in GB that the training process may allocate.

A larger allocation fails, which fails that job alone. By default there is no limit. The limit works
on Linux only.
"""

OOM_SCORE = "900"
"""Between 0 and 1000. Linux kills the processes with the highest scores first."""


def main() -> None:
    """Train the jobs that the server sends, until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_oom_score()
    limit_memory()
    pipe, flags = _own_pipe(), CancelFlags()
    commands: queue.SimpleQueue[Train | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, flags, commands), daemon=True).start()
    _train_all(pipe, flags, commands)


def raise_oom_score() -> None:
    """Make Linux kill this process first when memory runs out."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text(OOM_SCORE)


def limit_memory() -> None:
    """Limit the memory of this process to the gigabytes of MEMORY_VARIABLE, if it is set."""
    gigabytes = os.environ.get(MEMORY_VARIABLE)
    if gigabytes and sys.platform == "linux":
        import resource

        allowed = int(float(gigabytes) * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))


def _own_pipe() -> Pipe:
    """Take standard output for messages alone; other output goes to standard error from now on."""
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Pipe(sys.stdin.fileno(), writing)


def _listen(pipe: Pipe, flags: CancelFlags, commands: queue.SimpleQueue["Train | None"]) -> None:
    """Forward the commands of the server. End the process when the server is gone."""
    from vae.jobs.messages import Stop, Train

    while True:
        try:
            command = pipe.receive()
        except (EOFError, OSError):
            break
        if isinstance(command, Train):
            flags.begin([spec.number for spec in command.jobs])
            commands.put(command)
        elif isinstance(command, Stop):
            flags.cancel(command.number)
            threading.Thread(
                target=flags.wait_or_abort, args=(command.number,), daemon=True
            ).start()
    flags.server_gone.set()
    commands.put(None)
    time.sleep(EXIT_SECONDS)
    os._exit(0)


def _train_all(pipe: Pipe, flags: CancelFlags, commands: queue.SimpleQueue["Train | None"]) -> None:
    from vae.core.device import lower_cpu_priority, prepare_device
    from vae.jobs.messages import Accepted, AllEnded, Event
    from vae.jobs.worker import DatasetCache, train_jobs

    lower_cpu_priority()
    prepare_device("auto", threads=1)

    def emit(event: Event) -> None:
        if not flags.server_gone.is_set():
            try:
                pipe.send(event)
            except OSError:
                flags.server_gone.set()

    while (command := commands.get()) is not None:
        emit(Accepted())
        train_jobs(command.jobs, DatasetCache(command.data_dir), emit, flags, command.save_seconds)
        emit(AllEnded())


if __name__ == "__main__":
    main()
