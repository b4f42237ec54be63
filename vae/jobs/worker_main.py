"""The training process: `python -m vae.jobs.worker_main`, started by `vae.jobs.worker_process`.

It reads commands from standard input and writes events to standard output. It ends when the server
does, at most LEAVE_SECONDS later, having saved the state of what it trained. It makes itself the
one that the system slows down, or ends when memory is short; never the server.
"""

import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

from vae.jobs.cancellation import CancelFlags
from vae.jobs.pipe import Pipe

LEAVE_SECONDS = 10.0
MEMORY_VARIABLE = "LATENT_TRAINING_GIGABYTES"
"""Names the memory that training may take, in GB; more is refused, which fails that job alone.

By default it takes what there is. Linux alone can be told.
"""

OOM_SCORE = "900"
"""Of at most 1000: the system ends processes of a high score first."""


def main() -> None:
    """Train whatever is asked for until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_oom_score()
    pipe, flags = _own_pipe(), CancelFlags()
    commands: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, flags, commands), daemon=True).start()
    _train_all(pipe, flags, commands)


def raise_oom_score() -> None:
    """Be the first to go when memory runs out, and take no more of it than is allowed."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text(OOM_SCORE)
    gigabytes = os.environ.get(MEMORY_VARIABLE)
    if gigabytes and sys.platform == "linux":
        import resource

        allowed = int(float(gigabytes) * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))


def _own_pipe() -> Pipe:
    """The pipe to the server; whatever else is printed goes to standard error from here on."""
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Pipe(sys.stdin.fileno(), writing)


def _listen(pipe: Pipe, flags: CancelFlags, commands: queue.SimpleQueue) -> None:
    """Hand on what the server wants; leave when it is gone."""
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
    time.sleep(LEAVE_SECONDS)
    os._exit(0)


def _train_all(pipe: Pipe, flags: CancelFlags, commands: queue.SimpleQueue) -> None:
    from vae.core.device import lower_cpu_priority, prepare_device
    from vae.jobs.messages import Accepted, AllEnded, Event
    from vae.jobs.worker import OneDataset, train_jobs

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
        train_jobs(command.jobs, OneDataset(command.data_dir), emit, flags, command.save_seconds)
        emit(AllEnded())


if __name__ == "__main__":
    main()
