"""Checks whether names from outside can be shown, and makes any text safe to show in one line.

Folders, files and links may have names with control characters or characters that reverse the
direction of text. Such names could disturb a page or a terminal.

Example:
    >>> is_showable("cats"), is_showable("cats\\n")
    (True, False)
    >>> in_one_line("first\\nsecond")
    'first second'
"""

import unicodedata

LONGEST = 200
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, surrogates and separators of lines and paragraphs."""

_DIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of the text that follows them."""


def is_showable(name: str, longest: int = LONGEST) -> bool:
    """Return whether a name has one line, no control characters, and 1 to `longest` characters.

    Letters of every script are allowed; characters that change the direction of text are not.
    """
    return 0 < len(name) <= longest and not any(map(is_unshowable, name))


def is_unshowable(character: str) -> bool:
    """Return whether a character has no form of its own, or affects the text around it."""
    return character in _DIRECTIONAL or unicodedata.category(character) in _CATEGORIES


def in_one_line(text: str, longest: int = 1000) -> str:
    """Return any text as one line that can be shown, cut to `longest` characters."""
    line = "".join(" " if is_unshowable(c) and c in "\t\n\r\v\f" else c for c in text)
    line = "".join("\ufffd" if is_unshowable(c) else c for c in " ".join(line.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def error_in_one_line(error: BaseException) -> str:
    """Return an error's message as one line of up to 200 characters, or the error's type."""
    return in_one_line(str(error), 200) or type(error).__name__
