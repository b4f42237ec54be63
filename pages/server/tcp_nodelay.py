"""Removes a network delay: the server sends small messages at once."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DESCRIPTORS = Path("/dev/fd")


def disable_nagle() -> None:
    """Switch off Nagle's algorithm on the TCP sockets of this process; new connections inherit it.

    Streamlit creates its listening socket in a way for which asyncio leaves the algorithm on. Each
    page run sends several small messages, so the second one would wait 40 ms for the browser's
    acknowledgement. On systems that do not list a process's descriptors, this does nothing.
    """
    for connection in _own_tcp_sockets():
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _own_tcp_sockets() -> Iterator[socket.socket]:
    """Yield duplicates of the sockets, so that closing a duplicate leaves the original open."""
    for descriptor in _descriptors():
        # Another thread may have closed the descriptor in the meantime.
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
