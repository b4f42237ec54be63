"""The training process: `python -m vae.jobs.worker_main`, started by `vae.jobs.worker_process`.

It hears orders on its standard input and tells news on its standard output. It ends when the server
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

from vae.jobs.cancellation import Orders
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
    offer_itself()
    pipe, orders = _own_pipe(), Orders()
    wanted: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, orders, wanted), daemon=True).start()
    _train_all(pipe, orders, wanted)


def offer_itself() -> None:
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


def _listen(pipe: Pipe, orders: Orders, wanted: queue.SimpleQueue) -> None:
    """Hand on what the server wants; leave when it is gone."""
    from vae.jobs.messages import Stop, Train

    while True:
        try:
            order = pipe.receive()
        except (EOFError, OSError):
            break
        if isinstance(order, Train):
            orders.begin([task.number for task in order.tasks])
            wanted.put(order)
        elif isinstance(order, Stop):
            orders.stop(order.number)
            threading.Thread(target=orders.watch, args=(order.number,), daemon=True).start()
    orders.abandoned.set()
    wanted.put(None)
    time.sleep(LEAVE_SECONDS)
    os._exit(0)


def _train_all(pipe: Pipe, orders: Orders, wanted: queue.SimpleQueue) -> None:
    from vae.core.device import lower_cpu_priority, prepare_device
    from vae.jobs.messages import Accepted, AllEnded, News
    from vae.jobs.worker import OneDataset, train_jobs

    lower_cpu_priority()
    prepare_device("auto", threads=1)

    def tell(news: News) -> None:
        if not orders.abandoned.is_set():
            try:
                pipe.send(news)
            except OSError:
                orders.abandoned.set()

    while (order := wanted.get()) is not None:
        tell(Accepted())
        train_jobs(order.tasks, OneDataset(order.data_dir), tell, orders, order.save_seconds)
        tell(AllEnded())


if __name__ == "__main__":
    main()
