"""Cancellation flags shared by the listener thread and the training thread of the worker.

A stop takes three steps. `TrainingQueue.stop` sends a command to the worker, the listener thread
sets the job's flag, and the training thread evaluates and saves the run as it is (`worker.py`).

The training thread reads the flags between two steps. A long step or a long evaluation may keep
it from doing so for STOP_SECONDS. The process then ends itself: the saved states survive, and
the server continues with the other jobs in a new process.

Example:
    >>> flags = CancelFlags()
    >>> flags.begin([7])
    >>> flags.cancel(7)
    >>> flags.cancelled(7)
    True
"""

import os
import threading
import time
from collections.abc import Collection

INTERRUPTED = 75
"""Exit status of a worker process that ended itself because a stop could not wait."""

STOP_SECONDS = 0.9
"""Limit on both wall time and processor time, so that a busy machine alone aborts nothing."""


class CancelFlags:
    """Records which jobs should stop. The listener writes it and the training thread reads it."""

    def __init__(self) -> None:
        self.server_gone = threading.Event()
        """Set when the server has closed the pipe or has died."""

        self._jobs: set[int] = set()
        self._loading: set[int] = set()
        self._requested: set[int] = set()
        self._unacknowledged: set[int] = set()

    def begin(self, numbers: Collection[int]) -> None:
        """Replace the running jobs by these, none of which has loaded its data yet."""
        self._jobs, self._loading = set(numbers), set(numbers)
        self._requested, self._unacknowledged = set(), set()

    def cancel(self, number: int) -> None:
        """Ask a running job to stop; a second call asks it to skip the evaluation too."""
        if number in self._jobs:
            self._requested.add(number)
            self._unacknowledged.add(number)

    def cancelled(self, number: int) -> bool:
        """Tell whether a stop was requested for this job."""
        return number in self._requested

    def acknowledge(self, number: int) -> None:
        """Note that the job has seen the request and is about to be evaluated."""
        self._unacknowledged.discard(number)

    def data_loaded(self, number: int) -> None:
        """Note that the job has its data. From here on an abort can lose training steps."""
        self._loading.discard(number)

    def end(self, number: int) -> None:
        """Note that the job has ended."""
        for jobs in (self._jobs, self._loading, self._unacknowledged):
            jobs.discard(number)

    def wait_or_abort(self, number: int) -> None:
        """Wait until a job acknowledges its stop, and end this process if that takes too long."""
        started, busy = time.monotonic(), time.process_time()
        while number in self._unacknowledged:
            time.sleep(0.02)
            is_late = time.monotonic() - started > STOP_SECONDS
            # Loading may wait for a disk or a network; a step uses processor time instead.
            is_busy = bool(self._loading) or time.process_time() - busy > STOP_SECONDS
            if is_late and is_busy and self._loading <= self._requested:
                os._exit(INTERRUPTED)
