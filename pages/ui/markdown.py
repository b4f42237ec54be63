"""Names and texts that come from outside, as pages can show them: the one place that escapes.

Streamlit reads nearly every text as Markdown: captions, labels of buttons, options of pills. What a
file, a folder or a person named goes through here before it stands in one.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vae.core.text import in_one_line

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


def error_text(error: object) -> str:
    """What an error says, as one line of Markdown that tells nobody where files are kept."""
    return escaped(without_places(error), longest=1000)


def without_places(text: object) -> str:
    """What an error says, with names alone where it says where the server keeps its files.

    Checkpoints and data sets are named as people see them; the rest of their paths is nobody's
    business, and the command line says it.
    """
    from vae.data.registry import data_dir
    from vae.runs.folders import checkpoint_folders

    said = str(text)
    folders = [(folder, "the checkpoints") for folder in checkpoint_folders()]
    for folder, name in (*folders, (data_dir(), "the data")):
        for place in dict.fromkeys((folder.resolve(), folder.absolute(), folder)):
            said = _named(said, place, name)
    return said


def _named(said: str, place: Path, name: str) -> str:
    said = re.sub(rf"(?<![\w/]){re.escape(str(place))}{re.escape(os.sep)}(?=\w)", "", said)
    # A name such as checkpoints is a word too.
    whole = rf"(?<![\w/]){re.escape(str(place))}(?![\w/-])"
    return re.sub(whole, f"the folder of {name}", said) if place.is_absolute() else said


def in_code(text: object, longest: int = 1000) -> str:
    """Any text as one line of Markdown code."""
    line = in_one_line(str(text), longest)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{fence}{space}{line}{space}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; its first column holds names, all others hold numbers."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
