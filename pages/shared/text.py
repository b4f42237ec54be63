"""Names and texts that come from outside, as pages can show them: the one place that escapes.

Streamlit reads nearly every text as Markdown: captions, labels of buttons, options of pills. What a
file, a folder or a person named goes through here before it stands in one.
"""

import re

from vae.names import in_one_line

LONGEST_NAME = 80

_MARKS = re.compile(r"([\\`*_{}\[\]<>~$&|@]|:(?!\s)|(?<=www)\.|^[-+#]|(?<=^\d)[.)])")
_SYMBOLS = re.compile(r"(?<=:)(?=[\w+/-]+(?::|$))|(?<!\S)(?=(?:<->|->|<-|--|[><~]=)(?!\S))")
"""Where Streamlit's `:smile:` and `->` begin. It looks for them in what Markdown has been read as,
so that a backslash does not help."""

JOINER = "\u2060"
"""Takes no room, is no space, and lets no line break."""


def escaped(text: object, longest: int = LONGEST_NAME) -> str:
    """Any text as one line of Markdown that reads as it is, cut where it is longer."""
    return _MARKS.sub(r"\\\1", _SYMBOLS.sub(JOINER, in_one_line(str(text), longest)))


def in_code(text: object, longest: int = 1000) -> str:
    """Any text as one line of Markdown code."""
    line = in_one_line(str(text), longest)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{fence}{space}{line}{space}{fence}"
