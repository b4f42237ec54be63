"""Escapes names and texts from outside, so that pages show them as they are.

Streamlit reads nearly every text as Markdown: captions, labels of buttons, options of pills. Every
name of a file, a folder or a class, and every other text of a person, passes through this module.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vae.core.text import in_one_line

LONGEST_NAME = 80

_MARKS = re.compile(r"([\\`*_{}\[\]<>~$&|@]|:(?!\s)|(?<=www)\.|^[-+#]|(?<=^\d)[.)])")
_SYMBOLS = re.compile(r"(?<=:)(?=[\w+/-]+(?::|$))|(?<!\S)(?=(?:<->|->|<-|--|[><~]=)(?!\S))")
"""Matches before Streamlit's `:smile:` and `->`, for which a backslash does not help: Streamlit
looks for them after it has parsed the Markdown."""

JOINER = "\u2060"
"""A character without width, at which no line breaks."""


def escaped(text: object, longest: int = LONGEST_NAME) -> str:
    """Return a text as one line of Markdown that shows it as it is, cut if it is longer."""
    return _MARKS.sub(r"\\\1", _SYMBOLS.sub(JOINER, in_one_line(str(text), longest)))


def error_text(error: object) -> str:
    """Return the text of an error as one line of Markdown, without the server's folders."""
    return escaped(without_paths(error), longest=1000)


def without_paths(text: object) -> str:
    """Return the text of an error with names in place of the server's paths.

    A visitor knows checkpoints and data sets by name and must not learn the server's folders. The
    command line shows whole paths.
    """
    from vae.data.registry import data_dir
    from vae.runs.folders import checkpoint_folders

    shown = str(text)
    folders = [(folder, "the checkpoints") for folder in checkpoint_folders()]
    for folder, name in (*folders, (data_dir(), "the data")):
        for path in dict.fromkeys((folder.resolve(), folder.absolute(), folder)):
            shown = _without_path(shown, path, name)
    return shown


def _without_path(text: str, path: Path, name: str) -> str:
    text = re.sub(rf"(?<![\w/]){re.escape(str(path))}{re.escape(os.sep)}(?=\w)", "", text)
    # A relative folder such as `checkpoints` is also a word, so only absolute ones are named.
    whole = rf"(?<![\w/]){re.escape(str(path))}(?![\w/-])"
    return re.sub(whole, f"the folder of {name}", text) if path.is_absolute() else text


def in_code(text: object, longest: int = 1000) -> str:
    """Return a text as one line of Markdown code."""
    line = in_one_line(str(text), longest)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{fence}{space}{line}{space}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; its first column holds names, all others hold numbers."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
