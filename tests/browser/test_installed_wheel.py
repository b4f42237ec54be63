"""The wheel, installed into a new environment, opens the Map from an empty folder."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app_server import PROJECT, free_port, served, settled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The programs of a new environment in which the wheel is installed.

    It borrows the dependencies of the environment that runs the tests, which are gigabytes, and
    nothing else: the path below is no place where an editable installation is looked up.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(PROJECT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "new")], check=True)
    programs = folder / "new" / "bin"
    install = [str(programs / "python"), "-m", "pip", "install", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (packages,) = (folder / "new" / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


@pytest.fixture
def elsewhere(tmp_path) -> dict[str, str]:
    """An environment that names no folder of the project."""
    named = ("PYTHONPATH", "LATENT_CHECKPOINTS", "LATENT_DATA_DIR")
    kept = {name: value for name, value in os.environ.items() if name not in named}
    return kept | {"LATENT_DATA_DIR": str(tmp_path / "no-data"), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def address(installed, elsewhere, tmp_path) -> Iterator[str]:
    """The app as `vae app` starts it in an empty folder."""
    port, empty = free_port(), tmp_path / "empty"
    empty.mkdir()
    command = [str(installed / "vae"), "app", "--no-browser", "--port", str(port)]
    with served(command, port, empty, elsewhere, tmp_path / "log") as server:
        yield server.address


def test_the_code_is_that_of_the_wheel(installed, elsewhere, tmp_path):
    program = "import vae, vae.core.installation as p; print(vae.__file__, p.product_root())"
    command = [str(installed / "python"), "-c", program]
    done = subprocess.run(
        command, cwd=tmp_path, env=elsewhere, check=True, capture_output=True, text=True
    )
    package, product = map(Path, done.stdout.split())
    assert package.is_relative_to(installed.parent)
    assert product == package.parent / "product"


def test_the_map_of_a_model_that_ships_opens(browser, address):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(60_000)
    page.goto(f"{address}/map?model=mnist-map")
    settled(page)
    page.get_by_test_id("live-map").hover()
    page.get_by_test_id("live-map-decoded").wait_for()
    assert page.locator(".stException").count() == 0
    page.close()
