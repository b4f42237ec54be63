"""What may import what, read from the sources themselves."""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
CORE = sorted((PROJECT / "vae").rglob("*.py"))
PAGES = sorted((PROJECT / "pages").rglob("*.py"))
HOME = [PROJECT / "app.py"] if (PROJECT / "app.py").is_file() else []
LIGHT = [*sorted((PROJECT / "vae" / "charts").glob("*.py"))]


MOST_ROOMS, MOST_FLOORS = 21, 10


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too, as `a` or `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    return found


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def module_name(path: Path) -> str:
    """Such as `vae.core.config`; a package is named without its `__init__`."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    """The folder below `vae` or `pages` that a module lives in; a file there is a room itself."""
    parts = module.split(".")
    if len(parts) > 1 and (PROJECT / parts[0] / parts[1]).is_dir():
        return ".".join(parts[:2])
    return "screens" if parts[0] == "pages" else module


def import_graph(paths: Iterable[Path]) -> dict[str, set[str]]:
    """By module, the modules of the project that it imports, inside functions too."""
    files = {module_name(path): path for path in paths}
    graph = {}
    for module, path in files.items():
        named = {known for found in imports(path) if (known := _known(found, files))}
        # `from vae.x import y` names both the package and its module y.
        graph[module] = {
            each
            for each in named - {module}
            if not any(other.startswith(f"{each}.") for other in named)
        }
    return graph


def _known(module: str, files: Collection[str]) -> str:
    while module and module not in files:
        module = module.rpartition(".")[0]
    return module


def by_room(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for module, imported in graph.items():
        others = {room(each) for each in imported} - {room(module)}
        rooms.setdefault(room(module), set()).update(others)
    return rooms


def cycle(graph: dict[str, set[str]]) -> tuple[str, ...]:
    """One cycle of the graph, empty where there is none."""
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def floors(rooms: dict[str, set[str]]) -> dict[str, int]:
    """How high each room stands: one floor above the highest room that it imports."""
    found: dict[str, int] = {}
    for each in TopologicalSorter(rooms).static_order():
        found[each] = 1 + max((found[below] for below in rooms.get(each, ())), default=0)
    return found


def packages(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)}


GRAPH = import_graph([*HOME, *CORE, *PAGES])


def test_no_files_import_each_other_in_a_circle():
    assert cycle(GRAPH) == ()


def test_no_rooms_import_each_other_in_a_circle():
    assert cycle(by_room(GRAPH)) == ()


def test_a_circle_of_rooms_would_be_found(tmp_path):
    graph = {"vae.core.a": {"vae.data.b"}, "vae.data.b": set(), "vae.data.c": {"vae.core.a"}}
    assert cycle(graph) == ()
    assert set(cycle(by_room(graph))) == {"vae.core", "vae.data"}


def test_the_house_stays_low():
    """Few rooms on few floors; measured, so that a new one is a decision."""
    rooms = by_room(GRAPH)
    assert len(rooms) <= MOST_ROOMS
    assert max(floors(rooms).values()) <= MOST_FLOORS


def test_the_sources_are_found():
    assert {"vae/models/vae.py", "vae/__main__.py"} <= {name(path) for path in CORE}


def test_imports_inside_functions_are_seen(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "def f():\n    import torch.nn as n\n    from vae.x import y\n"
        "    importlib.import_module('streamlit')\n"
    )
    assert {"torch", "vae", "streamlit"} <= packages(file)


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_knows_nothing_of_the_app(path):
    assert not packages(path) & {"streamlit", "pages", "app"}
    assert not any(module.startswith("..") for module in imports(path))


@pytest.mark.parametrize("path", [*HOME, *PAGES], ids=name)
def test_pages_do_no_mathematics_of_their_own(path):
    assert not packages(path) & {"torch", "torchvision", "safetensors", "sklearn"}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_do_not_import_the_home_page(path):
    assert "app" not in packages(path)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_share_code_through_folders_alone(path):
    pages = {module for module in imports(path) if module.split(".")[0] == "pages"} - {"pages"}
    assert all((PROJECT / "pages" / module.split(".")[1]).is_dir() for module in pages)


@pytest.mark.parametrize("path", [*HOME, *sorted((PROJECT / "pages").glob("*.py"))], ids=name)
def test_no_screen_has_a_bare_text_which_streamlit_would_print(path):
    statements = ast.parse(path.read_text(encoding="utf-8")).body[1:]
    assert not any(
        isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in statements
    )


@pytest.mark.parametrize("path", [*HOME, *PAGES], ids=name)
def test_every_picture_says_what_it_is(path):
    """To those who cannot see it: a caption is not read out in its place."""
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    pictures = [call for call in calls if ast.unparse(call.func).split(".")[1:] == ["image"]]
    assert all("alt" in {keyword.arg for keyword in call.keywords} for call in pictures)


@pytest.mark.parametrize("path", LIGHT, ids=name)
def test_charts_and_pictures_need_no_torch(path):
    assert not packages(path) & {"torch", "streamlit"}
    assert all(m.startswith("vae.charts") for m in imports(path) if m.split(".")[0] == "vae")


@pytest.mark.parametrize("path", [*CORE, *HOME, *PAGES], ids=name)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_command_line_starts_without_the_heavy_libraries():
    """So that --help and a mistyped option answer at once."""
    program = (
        "import sys; from vae.__main__ import _parser; _parser(); "
        "print(*{'torch', 'numpy', 'jaxtyping', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
