"""Names that folders and files bring: which of them a page or a terminal can show as they are."""

import unicodedata

LONGEST = 200
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what stands behind them."""


def is_showable(name: str, longest: int = LONGEST) -> bool:
    """Whether a name has one line, no control characters, and 1 to `longest` characters in all.

    Letters of any script are fine; characters that turn the direction of other text are not.
    """
    return 0 < len(name) <= longest and not any(map(is_unshowable, name))


def is_unshowable(character: str) -> bool:
    """Whether a character breaks the line, controls a terminal, turns text or is no character."""
    return character in _TURNING or unicodedata.category(character) in _CATEGORIES


def in_one_line(text: str, longest: int = 1000) -> str:
    """Any text as one line that can be shown, cut where it is longer than that."""
    line = "".join(" " if is_unshowable(c) and c in "\t\n\r\v\f" else c for c in text)
    line = "".join("\ufffd" if is_unshowable(c) else c for c in " ".join(line.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"
