"""Links and names that somebody else wrote: no page fails, reads a file by them, or obeys them."""

import json
import re
import shutil
import sys
from collections.abc import Iterator

import pytest

from pages.state import url_state
from pages.ui.layout import SCREENS
from pages.ui.markdown import JOINER, escaped, in_code

PAGES = [screen.file for screen in SCREENS]
MARK = "hostile-link-4711"
QUERIES = (
    f"../../../../tmp/{MARK}",
    f"<script>{MARK}</script>",
    "nan,inf,-inf",
    "9" * 400,
    "\x00\u202e'\"`$(id)",
)
KEYS = (
    "model class z image plane a b path t models view seed order beta corruption strength "
    "attribute section failure score"
).split()

CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
"""What stands between as many backquotes is shown as it is."""

NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[press me](javascript:alert(1))",
    "![spy](https://example.com/x.png)",
    "**loud** _and_ `code`",
    "$\\frac{1}{2}$ or $x$",
    ":red[alarm] :material/home:",
    "www.example.com",
    "# a heading",
    "a -> b <-> c -- d >= 1 :smile:",
    "->",
    "سفينة",
)

_opened: list[str] | None = None


def _note(event: str, arguments: tuple) -> None:
    if _opened is not None and event in ("open", "os.listdir", "os.scandir"):
        _opened.append(str(arguments[0]))


sys.addaudithook(_note)


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """The names of all files and folders that are opened meanwhile."""
    global _opened
    _opened = []
    yield _opened
    _opened = None


@pytest.mark.parametrize("file", PAGES)
def test_no_link_fails_or_names_a_file(open_page, opened_files, monkeypatch, file):
    asked, read = set(), url_state.read
    monkeypatch.setattr(
        url_state, "read", lambda name, *scope: (asked.add(name), read(name, *scope))[1]
    )
    page = open_page(file)
    for turn in range(2):
        # First the same path for all that is asked for, then each key something else.
        for place, key in enumerate(sorted({*KEYS, *asked})):
            page.query_params[key] = QUERIES[turn * (1 + place % (len(QUERIES) - 1))]
        page.run()
        assert not page.exception
        assert len(page.title) == 1
    assert len(opened_files) > 5
    assert not [name for name in opened_files if MARK in name]


@pytest.fixture(scope="module")
def named_badly(small_checkpoints, tmp_path_factory):
    """A model whose data set and classes are called what nobody should call them."""
    root = tmp_path_factory.mktemp("named")
    run = shutil.copytree(small_checkpoints / "digits-map", root / "named")
    record = json.loads((run / "run.json").read_text())
    record["class_names"] = list(NAMES)
    record["train"]["dataset"] = f"folder:/nowhere/{NAMES[1]} {NAMES[4]}"
    (run / "run.json").write_text(json.dumps(record))
    return root


def markdown_of(page) -> Iterator[str]:
    """Every text that Streamlit reads as Markdown, and the pieces of HTML."""
    for element in page:
        if element.type in ("selectbox", "code", "title", "arrow_data_frame", "plotly_chart"):
            continue
        for name in ("value", "label", "body", "help"):
            text = getattr(element, name, None)
            if isinstance(text, str):
                yield text


@pytest.mark.parametrize("file", PAGES)
def test_names_are_shown_and_not_obeyed(open_page, named_badly, file):
    page = open_page(file, checkpoints=named_badly)
    assert not page.exception
    texts = [CODE.sub("", text) for text in markdown_of(page) if not text.startswith("<style>")]
    assert len(texts) > 5
    assert not [name for name in NAMES[:-1] for text in texts if name in text]


@pytest.mark.parametrize("name", NAMES)
def test_an_escaped_name_keeps_its_letters(name):
    shown = escaped(name)
    assert shown.replace("\\", "").replace(JOINER, "") == name.replace("\\", "")
    for mark in "`*_[]<>$:":
        assert shown.count("\\" + mark) == name.count(mark)


SYMBOLS = r":[\w+/-]+:|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)"
"""What Streamlit makes pictures and arrows of in a text, whatever Markdown has escaped."""


@pytest.mark.parametrize("name", [*NAMES, ":a:b:+1:", "-> ->", ":streamlit:", "~= x --"])
def test_an_escaped_name_holds_no_symbol(name):
    # What is said of it often begins with a colon.
    assert not re.search(SYMBOLS, f"{escaped(name)}: made grey".replace("\\", ""))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("vae list", "`vae list`"),
        ("a `b` c", "`` a `b` c ``"),
        ("`` x", "``` `` x ```"),
        ("one\ntwo", "`one two`"),
    ],
)
def test_code_cannot_be_left(text, shown):
    assert in_code(text) == shown
