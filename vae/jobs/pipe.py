"""Messages over a pair of file descriptors, whole or not at all.

They are pickled, which is safe between a process and the child that it started itself.
"""

import os
import pickle
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("<Q")


class Pipe:
    """Two ends: one to read from, one to write to; EOFError or OSError once the other is gone."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Write one message; threads may do so at a time."""
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        view = memoryview(_LENGTH.pack(len(content)) + content)
        with self._lock:
            while view:
                view = view[os.write(self._writing, view) :]

    def receive(self) -> Any:
        """Wait for a message."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return pickle.loads(self._read(length))

    def _read(self, length: int) -> bytes:
        parts, missing = [], length
        while missing:
            part = os.read(self._reading, min(missing, 2**20))
            if not part:
                raise EOFError("the other end of the pipe is closed")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
