"""A process that keeps one processor busy, as a browser or a server may."""

import signal
import subprocess
import sys
from types import TracebackType
from typing import Self


class BusyProcess:
    """A context with a second process, which is paused until `resume` is called."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        self.pause()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Stop using the processor."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Use all of one processor."""
        self._process.send_signal(signal.SIGCONT)
