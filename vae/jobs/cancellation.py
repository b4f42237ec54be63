"""What the server wants of its training process meanwhile: jobs to stop; and whether it is gone.

A stop is seen between two steps. Where a job does not come to that within a second, in the middle
of a long step or measurement, the process ends: what it had saved is there, and the server goes on
with the others in a new one.
"""

import os
import threading
import time
from collections.abc import Collection

INTERRUPTED = 75
"""Exit status of a process that ended because a stop could not wait."""

STOP_SECONDS = 0.9
"""Of the clock and of the processor's time, so that a crowded machine alone interrupts nothing."""


class CancelFlags:
    """Written by the thread that listens to the server, read by the one that trains."""

    def __init__(self) -> None:
        self.server_gone = threading.Event()
        """The server is gone."""

        self._jobs: set[int] = set()
        self._reading: set[int] = set()
        self._requested: set[int] = set()
        self._unacknowledged: set[int] = set()

    def begin(self, numbers: Collection[int]) -> None:
        """These jobs are under way, and no others; their data are still to be read."""
        self._jobs, self._reading = set(numbers), set(numbers)
        self._requested, self._unacknowledged = set(), set()

    def cancel(self, number: int) -> None:
        """Somebody wants a job to stop; once more, that it stops being measured."""
        if number in self._jobs:
            self._requested.add(number)
            self._unacknowledged.add(number)

    def cancelled(self, number: int) -> bool:
        """Whether somebody wants this job to stop."""
        return number in self._requested

    def acknowledge(self, number: int) -> None:
        """A stop has reached the job, which gets measured."""
        self._unacknowledged.discard(number)

    def data_loaded(self, number: int) -> None:
        """From here on there is something to lose."""
        self._reading.discard(number)

    def end(self, number: int) -> None:
        """The job is under way no more."""
        for jobs in (self._jobs, self._reading, self._unacknowledged):
            jobs.discard(number)

    def wait_or_abort(self, number: int) -> None:
        """Wait until a stop has reached a job; end this process where that takes too long."""
        began, busy = time.monotonic(), time.process_time()
        while number in self._unacknowledged:
            time.sleep(0.02)
            late = time.monotonic() - began > STOP_SECONDS
            # Reading may wait for a disk or a network; steps take time of the processor.
            works = bool(self._reading) or time.process_time() - busy > STOP_SECONDS
            if late and works and self._reading <= self._requested:
                os._exit(INTERRUPTED)
