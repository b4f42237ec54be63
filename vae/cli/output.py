"""The result of a command as JSON and as text, and messages on standard error.

Example:
    >>> print(lines({"beta": 4.0, "active_units": 7}))
    beta          4
    active_units  7
"""

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from vae.core.text import in_one_line

MAX_LINE_CHARACTERS = 4000
"""Maximum number of characters of a line on standard error."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command: a JSON object, and a text for people."""

    record: dict[str, Any]
    text: str


def lines(record: dict[str, Any], hidden: Collection[str] = ()) -> str:
    """Format a record as text, with one line per value, without the `hidden` values."""
    record = {name: value for name, value in record.items() if name not in hidden}
    width = max(len(name) for name in record)
    return "\n".join(f"{name:<{width}}  {_show(value)}" for name, value in record.items())


def table(rows: list[dict[str, Any]]) -> str:
    """Format rows as text, with one line per row below the names of the columns."""
    if not rows:
        return "no checkpoints"
    cells = [list(rows[0]), *([_show(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells
    )


def _show(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_show(item) for item in value)
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def say(message: str) -> None:
    """Print a message in one line on standard error."""
    print(in_one_line(message, MAX_LINE_CHARACTERS), file=sys.stderr)


def progress(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """Return the items; if standard error is a terminal, a bar shows the progress."""
    return tqdm(items, desc=title, total=total, disable=not sys.stderr.isatty(), file=sys.stderr)
