"""The models of this server: listed, and loaded once for all sessions."""

import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.tcp_nodelay import disable_nagle
from pages.server.warm_up import start_warm_up
from pages.state import url_state
from vae.charts.images import png_bytes, tile
from vae.core.access import refuse_if_read_only
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery, ReadImages
    from vae.runs.catalogue import Catalogue
    from vae.runs.run import Run

CHOICE = "model"
SWITCH_SECONDS = 0.001


def choose(name: str) -> None:
    """Make a model the chosen one from the next rerun on."""
    if st.query_params.get(CHOICE) not in (None, name):
        url_state.clear()
    st.session_state[CHOICE] = name
    st.query_params[CHOICE] = name


def catalogue() -> "Catalogue":
    """The checkpoints there are, read anew at most every other second."""
    _warm_up()
    from vae.runs.folders import checkpoint_folders

    return _read_catalogue(checkpoint_folders())


def refresh_catalogue() -> None:
    """Look again right away: a run has just been saved."""
    _read_catalogue.clear()


def command_path(run: "Run") -> str:
    """A checkpoint's folder as people type it; where the server keeps it is nobody's business."""
    return f"checkpoints/{run.name}"


def open_explorer(run: "Run") -> "Explorer":
    """The loaded model of a run, shared by all sessions."""
    return _load(run.path, run.identity)


def open_gallery(explorer: "Explorer") -> "Gallery":
    """Test images for a model; one copy of each data set serves all models and sessions."""
    from vae.core.dataset_name import base_name
    from vae.explorer.gallery import open_gallery

    run = explorer.run
    dataset = base_name(run.train.dataset)
    return open_gallery(explorer, _test_images(dataset, run.model.image_shape))


def read_images(explorer: "Explorer") -> "ReadImages | None":
    """The test images of a model's data set, in their own order; None where it is absent."""
    run = explorer.run
    return _test_images(run.train.dataset, run.model.image_shape)


def fetch_images(explorer: "Explorer") -> None:
    """Download a model's data set, so that its gallery shows real images from then on.

    Raises DataError where that fails, ReadOnlyError on a server for looking only.
    """
    from vae.data.registry import load_dataset

    refuse_if_read_only("a download")
    load_dataset(explorer.run.train.dataset)
    _test_images.clear()


@st.cache_resource(max_entries=200, show_spinner=False)
def sample_strip(path: Path, identity: str) -> bytes:
    """Eight samples of a model as one PNG file; made once, so that a gallery loads no weights.

    Of a conditional model each is of another class.
    """
    from vae.explorer import Explorer

    # Not kept: a gallery of many would push out those that people look at.
    explorer = Explorer.open(path)
    labels = [i % max(1, explorer.run.model.classes) for i in range(8)]
    return png_bytes(tile(explorer.sample(8, seed=1, labels=labels), columns=8, size=28))


@st.cache_resource(ttl=2, max_entries=4, show_spinner=False)
def _read_catalogue(folders: tuple[Path, ...]) -> "Catalogue":
    from vae.runs.catalogue import available_checkpoints

    return available_checkpoints()


@st.cache_resource(max_entries=12, show_spinner="Loading the model …")
def _load(path: Path, identity: str) -> "Explorer":
    from vae.explorer import Explorer

    return Explorer.open(path)


@st.cache_resource(max_entries=4, show_spinner="Loading the images …")
def _test_images(dataset: str, image_shape: tuple[int, int, int]) -> "ReadImages | None":
    from vae.explorer.gallery import read_test_images

    return read_test_images(dataset, image_shape)


@st.cache_resource(show_spinner="Loading torch …")
def _warm_up() -> bool:
    """Import what is heavy once, and keep the garbage collector from walking over it again."""
    import vae.charts.figures
    import vae.explorer  # noqa: F401
    from vae.core.device import use_threads

    # One thread a request: many people share the cores, and such small models gain nothing.
    use_threads(1)
    # A fifth of Python's own: whoever computes hands over sooner to those who only answer.
    sys.setswitchinterval(SWITCH_SECONDS)
    disable_nagle()
    gc.collect()
    gc.freeze()
    start_warm_up(_sample_strips)
    return True


def _sample_strips() -> Iterator[None]:
    """All that Home shows of the models, one by one."""
    for run in catalogue().runs:
        if run.model.is_generative:
            # What cannot be loaded is Home's to say.
            with suppress(VaeError):
                sample_strip(run.path, run.identity)
            yield


def default_model(names: list[str]) -> str:
    """The model that a first visitor sees: the map, where it is there."""
    return next((name for name in names if name.endswith("-map")), names[0])
