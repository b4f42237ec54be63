"""Writing files so that a reader never sees half of one.

The content goes into a file beside the target, which then replaces the target in one step. A
process that is killed while it writes leaves that partial file behind and the target as it was.

Example:
    >>> with written_atomically(Path("scores.json")) as partial:
    ...     partial.write_text("{}")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL_SUFFIX = ".partial"
"""Follows the name of a file while it is being written."""


@contextmanager
def written_atomically(target: Path) -> Iterator[Path]:
    """Yield the path to write to; the file replaces `target` when the block ends normally.

    When the block raises an error, the partial file is removed and `target` stays as it was.
    """
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(name: str) -> bool:
    """Return whether a file of this name was left half written, by us or by safetensors."""
    return name.endswith(PARTIAL_SUFFIX) or name.startswith(".tmp")
