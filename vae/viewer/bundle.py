"""Bundles JavaScript modules into one, by following their `import` lines.

Some hosts take a component's JavaScript as a single text, in which relative imports mean nothing.
Each module becomes a function that is called once, so its private names stay private. All exported
names share the bundle's scope, and the bundle exports every one of them.

The modules may use one form of import, `import { name, other } from "./path.js";`, and exports that
stand before a class, a function or a `const`. The first module alone may have a default export.

Example:
    >>> from vae.viewer.bundle import bundle, style
    >>> "export { " in bundle("map/map.js")
    True
    >>> ".map" in style("map/map.js")
    True
"""

import posixpath
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vae.core.errors import ImportCircle, MissingModule, NameCollision, UnsupportedModule

SOURCES = Path(__file__).parent / "js"
"""The folder of the instruments' modules."""

_IMPORT = re.compile(r'^import \{([^{}]*)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?=(?:async )?(?:class|function\*?|const) (\w+))(?!const \w+,)", re.MULTILINE
)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*.*?\*/[ \t]*)\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(frozen=True)
class Module:
    """One JavaScript module, without its import and export lines and its comments."""

    name: str
    """Its path below the folder of the sources."""
    imports: dict[str, tuple[str, ...]]
    """Names by the path of the module that exports them."""
    exports: tuple[str, ...]
    has_default: bool
    body: str


@cache
def bundle(entry: str, folder: Path = SOURCES) -> str:
    """Returns the module `entry` and all that it imports as one module.

    Raises `MissingModule` for a module or name that does not exist, and `ImportCircle` for a circle
    of imports. Raises `NameCollision` for a name that two modules export, and `UnsupportedModule`
    for an import or export in another form.
    """
    modules = modules_of(entry, folder)
    _check_names(modules)
    names = [name for module in modules for name in module.exports]
    parts = [_scoped(module) for module in modules]
    parts.append(f"export {{ {', '.join(names)} }};\n")
    if modules[-1].has_default:
        parts.append("export default defaultExport;\n")
    return "\n".join(parts)


@cache
def style_sheets(entry: str, folder: Path = SOURCES) -> dict[str, str]:
    """Returns the style sheets that stand beside the modules of `entry`, by their paths.

    The sheet of `map/map.js` is `map/map.css`. A module's sheet follows those of its imports.
    """
    paths = [Path(module.name).with_suffix(".css") for module in modules_of(entry, folder)]
    found = [path for path in paths if (folder / path).is_file()]
    return {str(path): (folder / path).read_text(encoding="utf-8") for path in found}


def style(entry: str, folder: Path = SOURCES) -> str:
    """Returns the style sheets of `entry` as one."""
    return "\n".join(style_sheets(entry, folder).values())


def modules_of(entry: str, folder: Path = SOURCES) -> list[Module]:
    """Returns `entry` and all that it imports; a module follows the modules that it imports."""
    found: dict[str, Module] = {}
    _collect(entry, folder, (), found)
    return list(found.values())


def _collect(name: str, folder: Path, path: tuple[str, ...], found: dict[str, Module]) -> None:
    if name in path:
        circle = " -> ".join([*path[path.index(name) :], name])
        raise ImportCircle(f"The modules import each other in a circle: {circle}.")
    if name in found:
        return
    module = read_module(name, folder, path[-1] if path else None)
    for imported in module.imports:
        _collect(imported, folder, (*path, name), found)
    if module.has_default and path:
        raise UnsupportedModule(
            f"{name} has a default export, which only the first module of a bundle may have."
        )
    found[name] = module


def read_module(name: str, folder: Path = SOURCES, importer: str | None = None) -> Module:
    """Reads one module. `importer` is named where the module is missing."""
    file = folder / name
    if not file.is_file():
        asker = f", which {importer} imports," if importer else ""
        raise MissingModule(f"There is no module {name}{asker} in {folder}.")
    text = _without_comments(file.read_text(encoding="utf-8").rstrip() + "\n", name)
    imports: dict[str, tuple[str, ...]] = {}
    for match in _IMPORT.finditer(text):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2]))
        imports[target] = imports.get(target, ()) + _names(match[1], name)
    text = _IMPORT.sub("", text)
    exports = tuple(_EXPORT.findall(text))
    text, defaults = _DEFAULT.subn("const defaultExport = ", _EXPORT.sub("", text))
    other = _OTHER.search(text)
    if other or defaults > 1:
        line = other[0] if other else "a second default export"
        raise UnsupportedModule(
            f"{name} has a form of import or export that is not bundled: {line}"
        )
    return Module(name, imports, exports, defaults == 1, text.strip("\n"))


def _without_comments(text: str, module: str) -> str:
    """Returns the text without comments, blank lines and indentation, which need not be sent."""
    text = _COMMENT.sub("", text)
    if any(line.count("`") % 2 for line in text.splitlines()):
        raise UnsupportedModule(f"{module} has a template of several lines; join strings instead.")
    return _INDENT.sub("", text)


def _names(text: str, module: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not _NAME.fullmatch(name):
            raise UnsupportedModule(f"{module} imports `{name}`; an import may not be renamed.")
    return tuple(names)


def _check_names(modules: list[Module]) -> None:
    exports = {module.name: set(module.exports) for module in modules}
    for module in modules:
        for source, names in module.imports.items():
            for name in names:
                if name not in exports[source]:
                    raise MissingModule(f"{module.name} imports {name}, which {source} lacks.")
    counts = Counter(name for module in modules for name in module.exports)
    for name, count in counts.items():
        if count > 1:
            owners = " and ".join(sorted(n for n, names in exports.items() if name in names))
            raise NameCollision(f"The name {name} is exported by {owners}; give one another name.")


def _scoped(module: Module) -> str:
    given = [*module.exports, *(["defaultExport"] if module.has_default else [])]
    names = ", ".join(given)
    return f"const {{ {names} }} = (() => {{\n{module.body}\nreturn {{ {names} }};\n}})();\n"
