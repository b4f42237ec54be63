"""The server's connections: small messages leave at once."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DESCRIPTORS = Path("/dev/fd")


def send_at_once() -> None:
    """Switch off Nagle's algorithm on this process's TCP sockets; new connections inherit that.

    Streamlit makes its listening socket in a way for which asyncio leaves the algorithm on; each
    run is several small messages, so the second waits 40 ms for the browser's acknowledgement.
    Where a system does not list a process's descriptors, nothing happens.
    """
    for connection in _own_tcp_sockets():
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _own_tcp_sockets() -> Iterator[socket.socket]:
    """Second handles on the sockets, so that closing them leaves the sockets alone."""
    for descriptor in _descriptors():
        # Other threads may have closed it meanwhile.
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            copy = socket.socket(fileno=os.dup(descriptor))
            if copy.family in (socket.AF_INET, socket.AF_INET6) and copy.type == socket.SOCK_STREAM:
                yield copy
            else:
                copy.close()


def _descriptors() -> list[int]:
    with suppress(OSError):
        return [int(entry.name) for entry in DESCRIPTORS.iterdir()]
    return []
