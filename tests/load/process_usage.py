"""What a process uses, read from outside it."""

import os
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """One look at a process and its children."""

    megabytes: float
    """Resident memory of the process itself."""
    threads: int
    descriptors: int
    cpu_seconds: float
    """Of the process itself, user and system."""


def usage(pid: int) -> Usage:
    """What a process uses now; on Linux alone."""
    folder = Path("/proc") / str(pid)
    status = (folder / "status").read_text()
    # The command's name, in brackets, may hold spaces.
    times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return Usage(
        int(_found(r"VmRSS:\s+(\d+)", status)) / 1024,
        int(_found(r"Threads:\s+(\d+)", status)),
        len(list((folder / "fd").iterdir())),
        sum(map(int, times)) / _TICKS,
    )


def active_sessions(address: str) -> int:
    """How many connections the server at `address` says that it has."""
    return int(_found(r"^active_sessions (\d+)", _metrics(address, "active_sessions")))


def kept_media(address: str) -> int:
    """Bytes of the pictures and files that the server keeps for its sessions."""
    lines = _metrics(address, "cache_memory_bytes")
    return sum(map(int, re.findall(r"media_file_storage.*\} (\d+)", lines)))


def _metrics(address: str, family: str) -> str:
    url = f"{address}/_stcore/metrics?families={family}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, f"no {pattern} in {text}"
    return match[1]
