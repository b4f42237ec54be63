"""Small trained models for the pages, and a way to run a page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from vae.core.access import FOLDERS_VARIABLE

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def small_checkpoints(tmp_path_factory, train_into) -> Path:
    """A 2D model and a beta family of three, on digits."""
    root = tmp_path_factory.mktemp("checkpoints")
    train_into(root / "digits-map", latent_dim=2, epochs=3)
    for beta in (0.5, 1.0, 4.0):
        train_into(root / f"digits-beta-{beta:g}", latent_dim=4, epochs=3, beta=beta)
    return root


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch):
    """As each run is a first one here, each would walk over all that the tests have imported."""
    for module in ("pages.state.models", "pages.server.warm_up"):
        stand_in = SimpleNamespace(collect=int, freeze=int)
        monkeypatch.setattr(f"{module}.gc", stand_in)


@pytest.fixture(autouse=True)
def _no_manifests(monkeypatch):
    """Streamlit would read the metadata of all installed packages for each test page."""
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", list)


@pytest.fixture
def open_page(monkeypatch, small_checkpoints) -> Iterator[Callable[..., AppTest]]:
    """Run one page over the small models (or another folder) as a first visitor would."""

    def run(file: str, checkpoints: Path = small_checkpoints, **query: str) -> AppTest:
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
        monkeypatch.setenv("LATENT_CHECKPOINTS", str(checkpoints))
        test = AppTest.from_file(str(PROJECT / file), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()

    yield run
    # What pages of a server for all set for the whole process.
    os.environ.pop(FOLDERS_VARIABLE, None)
