"""Lists the models of this server, and loads each of them once for all sessions."""

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
from pages.state.caches import BY_RUN
from vae.charts.images import png_bytes, tile
from vae.core.access import refuse_if_read_only
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery, ReadImages
    from vae.runs.catalogue import Catalogue
    from vae.runs.run import Run

CHOICE = "model"
SAMPLES = 8
SWITCH_SECONDS = 0.001


def choose(name: str) -> None:
    """Choose a model by name; the choice takes effect at the next rerun."""
    if st.query_params.get(CHOICE) not in (None, name):
        url_state.clear()
    st.session_state[CHOICE] = name
    st.query_params[CHOICE] = name


def catalogue() -> "Catalogue":
    """Return the checkpoints of this server, read from the disk at most every two seconds."""
    _prepare_process()
    from vae.runs.folders import checkpoint_folders

    return _read_catalogue(checkpoint_folders())


def refresh_catalogue() -> None:
    """Read the checkpoints again at the next call of `catalogue`, because a run has been saved."""
    _read_catalogue.clear()


def command_path(run: "Run") -> str:
    """Return a checkpoint's folder as it is typed in a command, without the server's folders."""
    return f"checkpoints/{run.name}"


def open_explorer(run: "Run") -> "Explorer":
    """Return the loaded model of a run, which all sessions share."""
    return _load(run)


def open_gallery(explorer: "Explorer") -> "Gallery":
    """Return the test images for a model; models of the same data set share one copy of them."""
    from vae.core.dataset_name import base_name
    from vae.explorer.gallery import open_gallery

    run = explorer.run
    dataset = base_name(run.train.dataset)
    return open_gallery(explorer, _test_images(dataset, run.model.image_shape))


def read_images(explorer: "Explorer") -> "ReadImages | None":
    """Return the test images of a model's data set in its own order, or None without the data."""
    run = explorer.run
    return _test_images(run.train.dataset, run.model.image_shape)


def fetch_images(explorer: "Explorer") -> None:
    """Download a model's data set, so that its gallery shows real images from then on.

    Raises DataError if the download fails, and ReadOnlyError on a read-only server.
    """
    from vae.data.registry import load_dataset

    refuse_if_read_only("a download")
    load_dataset(explorer.run.train.dataset)
    _test_images.clear()


@st.cache_resource(max_entries=200, show_spinner=False, hash_funcs=BY_RUN)
def sample_strip(run: "Run") -> bytes:
    """Return samples of a model as one PNG file; a conditional model draws one of each class.

    The result is cached, so the gallery of Home loads no weights after the first visit.
    """
    from vae.explorer import Explorer

    # The explorer is not cached: the gallery has many models, which would push out the models that
    # people use.
    explorer = Explorer.open(run.path)
    labels = [i % max(1, explorer.run.model.classes) for i in range(SAMPLES)]
    images = explorer.sample(SAMPLES, seed=1, labels=labels)
    return png_bytes(tile(images, columns=SAMPLES, size=28))


@st.cache_resource(ttl=2, max_entries=4, show_spinner=False)
def _read_catalogue(folders: tuple[Path, ...]) -> "Catalogue":
    from vae.runs.catalogue import available_checkpoints

    return available_checkpoints()


@st.cache_resource(max_entries=12, show_spinner="Loading the model …", hash_funcs=BY_RUN)
def _load(run: "Run") -> "Explorer":
    from vae.explorer import Explorer

    return Explorer.open(run.path)


@st.cache_resource(max_entries=4, show_spinner="Loading the images …")
def _test_images(dataset: str, image_shape: tuple[int, int, int]) -> "ReadImages | None":
    from vae.explorer.gallery import read_test_images

    return read_test_images(dataset, image_shape)


@st.cache_resource(show_spinner="Loading torch …")
def _prepare_process() -> bool:
    """Set up this server's process once: imports, threads, network and garbage collection."""
    import vae.charts.figures
    import vae.explorer  # noqa: F401
    from vae.core.device import use_threads

    # One thread for each request: many people share the processor, and small models gain nothing
    # from more threads.
    use_threads(1)
    # A fifth of Python's default, so a long computation delays other requests less.
    sys.setswitchinterval(SWITCH_SECONDS)
    disable_nagle()
    gc.collect()
    gc.freeze()
    start_warm_up(_sample_strips)
    return True


def _sample_strips() -> Iterator[None]:
    """Make the pictures that Home shows of the models, one model at each step."""
    for run in catalogue().runs:
        if run.model.is_generative:
            # Home shows the error of a model that cannot be loaded.
            with suppress(VaeError):
                sample_strip(run)
            yield


def default_model(names: list[str]) -> str:
    """Return the model of a first visit: the first model of a map, or else the first of all."""
    return next((name for name in names if name.endswith("-map")), names[0])
