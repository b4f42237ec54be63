"""Sends and receives whole Python objects over a pair of file descriptors.

The objects are pickled, which is safe between a process and a child that it started itself.
`multiprocessing.connection` does not fit: it has no class for standard streams on Windows, closes
descriptors that `Popen` owns, and its `send` is not safe to call from two threads.

Example:
    >>> reading, writing = os.pipe()
    >>> pipe = Pipe(reading, writing)
    >>> pipe.send("hello")
    >>> pipe.receive()
    'hello'
"""

import os
import pickle
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("<Q")


class Pipe:
    """Reads messages from one file descriptor and writes them to another.

    Both methods raise EOFError or OSError once the other side is gone.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Write one message. Several threads may call this at the same time."""
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        view = memoryview(_LENGTH.pack(len(content)) + content)
        with self._lock:
            while view:
                view = view[os.write(self._writing, view) :]

    def receive(self) -> Any:
        """Wait for the next message and return it."""
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
