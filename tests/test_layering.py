"""What may import what, read from the sources themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
CORE = sorted((PROJECT / "vae").rglob("*.py"))
PAGES = sorted((PROJECT / "pages").rglob("*.py"))
HOME = [PROJECT / "app.py"] if (PROJECT / "app.py").is_file() else []
LIGHT = [PROJECT / "vae" / "pictures.py", *sorted((PROJECT / "vae" / "charts").glob("*.py"))]


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


def packages(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)}


def test_the_sources_are_found():
    assert {"vae/model.py", "vae/__main__.py"} <= {name(path) for path in CORE}


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
