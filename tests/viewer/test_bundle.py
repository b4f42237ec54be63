"""Modules are bundled in the order of their imports, and what cannot be bundled is refused."""

import json
import shutil
import subprocess

import pytest

from vae.core.errors import (
    BundleError,
    ImportCircle,
    MissingModule,
    NameCollision,
    UnsupportedModule,
)
from vae.viewer.bundle import SOURCES, bundle, modules_of, style

INSTRUMENTS = ["beta/beta.js", "decode/decode.js", "draw/draw.js", "map/map.js"]
ENTRIES = [*INSTRUMENTS, "streamlit/call.js", "streamlit/host.js"]


@pytest.fixture
def write(tmp_path):
    """Writes modules by their paths; returns their folder."""

    def write_all(**texts: str):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write_all


def run(source: str, expression: str):
    """The value of an expression over the bundle's exports, in Node."""
    node = shutil.which("node") or pytest.skip("there is no node")
    script = f"""
    const url = "data:text/javascript," + encodeURIComponent({json.dumps(source)});
    const found = await import(url);
    console.log(JSON.stringify({expression}));
    """
    command = [node, "--input-type=module"]
    ran = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_modules_run_in_the_order_of_their_imports(write):
    folder = write(
        entry='import { double } from "./a/double.js";\n'
        'import { TWO, three } from "./a/numbers.js";\n'
        "export const six = double(three());\nexport default () => six + TWO;\n",
        a__double='import {\n  TWO,\n} from "./numbers.js";\n'
        "/** Doubles.\n * export nothing\n */\nexport function double(x) {\n  return TWO * x;\n}\n",
        a__numbers="// import nothing\nexport const TWO = 2;\nexport const three = () => 3;\n",
    )
    names = [module.name for module in modules_of("entry.js", folder)]
    assert names == ["a/numbers.js", "a/double.js", "entry.js"]
    assert run(bundle("entry.js", folder), "[found.six, found.default(), found.TWO]") == [6, 8, 2]


def test_private_names_of_two_modules_do_not_meet(write):
    folder = write(
        entry='import { one } from "./one.js";\nconst SIZE = 5;\nexport const both = one + SIZE;\n',
        one="const SIZE = 1;\nexport const one = SIZE;\n",
    )
    assert run(bundle("entry.js", folder), "found.both") == 6


def test_comments_are_not_sent(write):
    folder = write(entry="// one\n/**\n * two\n */\nexport const x = 1; // three\n")
    assert "one" not in (source := bundle("entry.js", folder))
    assert "two" not in source
    assert run(source, "found.x") == 1


REFUSED = {
    "a circle": (
        ImportCircle,
        r"entry\.js -> a\.js -> entry\.js",
        {
            "entry": 'import { a } from "./a.js";\nexport const b = a;\n',
            "a": 'import { b } from "./entry.js";\nexport const a = b;\n',
        },
    ),
    "no such module": (
        MissingModule,
        r"a\.js, which entry\.js imports",
        {"entry": 'import { a } from "./a.js";\n'},
    ),
    "no such name": (
        MissingModule,
        r"entry\.js imports b, which a\.js lacks",
        {"entry": 'import { b } from "./a.js";\n', "a": "export const a = 1;\n"},
    ),
    "a private name": (
        MissingModule,
        "imports hidden",
        {"entry": 'import { hidden } from "./a.js";\n', "a": "const hidden = 1;\n"},
    ),
    "two of a name": (
        NameCollision,
        r"size is exported by a\.js and entry\.js",
        {
            "entry": 'import { a } from "./a.js";\nexport function size() {}\n',
            "a": "export const a = 1;\nexport class size {}\n",
        },
    ),
    "a renamed import": (
        UnsupportedModule,
        "`a as b`",
        {"entry": 'import { a as b } from "./a.js";\n', "a": "export const a = 1;\n"},
    ),
    "a second default": (
        UnsupportedModule,
        "default export",
        {"entry": 'import { a } from "./a.js";\n', "a": "export const a = 1;\nexport default a;\n"},
    ),
}
REFUSED["a template of several lines"] = (
    UnsupportedModule,
    "several lines",
    {"entry": "export const a = `one\n  two`;\n"},
)
REFUSED |= {
    line: (UnsupportedModule, "not bundled", {"entry": f"{line}\n"})
    for line in (
        'import * as all from "./a.js";',
        'import a from "./a.js";',
        'import "./a.js";',
        'import { a } from "elsewhere";',
        'export * from "./a.js";',
        "export { a };",
        "export let a = 1;",
        "export const { a, b } = c;",
    )
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_bundled_is_refused_in_a_sentence(write, name):
    error, match, texts = REFUSED[name]
    assert issubclass(error, BundleError)
    with pytest.raises(error, match=match):
        bundle("entry.js", write(**texts))


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_bundles_into_a_module_that_loads(entry):
    source = bundle(entry)
    assert "import " not in source
    exported = [name for module in modules_of(entry) for name in module.exports]
    has_default = modules_of(entry)[-1].has_default
    expected = sorted([*exported, *(["default"] if has_default else [])])
    assert run(source, "Object.keys(found).sort()") == sorted(expected)


def test_every_module_belongs_to_the_host():
    used = {module.name for entry in ENTRIES for module in modules_of(entry)}
    there = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.js")
        if "node_modules" not in path.parts
    }
    assert used == there


def test_the_instruments_know_nothing_of_streamlit():
    for entry in INSTRUMENTS:
        assert not any(module.name.startswith("streamlit/") for module in modules_of(entry))
        assert "streamlit" not in bundle(entry).lower()
        assert "--st-" not in style(entry)


def test_an_instrument_gets_the_shared_styles_and_its_own():
    found = style("map/map.js")
    assert found.index(".live {") < found.index(".map {")
    assert ".beta-bar" not in found
    assert ".beta-bar" in style("beta/beta.js")


def test_every_style_sheet_stands_beside_a_module():
    sheets = [path for path in SOURCES.rglob("*.css") if "node_modules" not in path.parts]
    alone = [path.name for path in sheets if not path.with_suffix(".js").is_file()]
    assert alone == ["theme.css"]
