"""Another process that wants a processor all the time, as a browser or a server may."""

import signal
import subprocess
import sys
from types import TracebackType


class BusyNeighbour:
    """Rests until `work` is called; ends with the context."""

    def __enter__(self) -> "BusyNeighbour":
        self._process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        self.rest()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def rest(self) -> None:
        """Leave the processors alone."""
        self._process.send_signal(signal.SIGSTOP)

    def work(self) -> None:
        """Take all of one processor."""
        self._process.send_signal(signal.SIGCONT)
