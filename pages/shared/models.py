"""The models: listed, chosen in the sidebar, loaded once for everybody."""

import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import latent, link
from pages.shared.frame import calm_errors, link_to
from pages.shared.preparation import prepare
from pages.shared.sockets import send_at_once
from pages.shared.text import escaped
from vae.errors import VaeError
from vae.pictures import png_bytes, tile
from vae.read_only import refuse_if_read_only

if TYPE_CHECKING:
    from vae.catalogue import Catalogue
    from vae.explorer import Explorer
    from vae.gallery import Gallery, ReadImages
    from vae.run import Run

CHOICE = "model"
PICKER = "model-picker"
LABEL = "class"
SWITCH_SECONDS = 0.001


def pick_explorer() -> "Explorer":
    """The model chosen in the sidebar, loaded; ends the page calmly where there is none."""
    with calm_errors():
        run = pick_run()
        if run is None:
            st.info("There is no trained model yet.", icon=":material/info:")
            link_to("pages/train.py", "Train one")
            st.stop()
        explorer = open_explorer(run)
        if run.model.is_told_labels:
            explorer = _at_picked_label(explorer)
    latent.follow_link(explorer)
    return explorer


def pick_run() -> "Run | None":
    """Draw the picker; the choice is kept over pages and stands in the link as ?model=NAME.

    None where there is no model to choose.
    """
    runs = {run.name: run for run in catalogue().runs if run.model.is_generative}
    if not runs:
        return None
    chosen = _current_choice(list(runs))
    st.session_state[PICKER] = chosen
    with st.sidebar:
        st.selectbox("Model", list(runs), key=PICKER, on_change=_choose_picked)
    _model_card(runs[chosen])
    return runs[chosen]


def choose(name: str) -> None:
    """Make a model the chosen one from the next rerun on."""
    if st.query_params.get(CHOICE) not in (None, name):
        link.leave()
    st.session_state[CHOICE] = name
    st.query_params[CHOICE] = name


def catalogue() -> "Catalogue":
    """The checkpoints there are, read anew at most every other second."""
    _warm_up()
    from vae.catalogue import checkpoints_dir

    return _read_catalogue(checkpoints_dir())


def refresh_catalogue() -> None:
    """Look again right away: a run has just been saved."""
    _read_catalogue.clear()


def written(run: "Run") -> str:
    """A checkpoint's folder as people type it; where the server keeps it is nobody's business."""
    return f"checkpoints/{run.name}"


def open_explorer(run: "Run") -> "Explorer":
    """The loaded model of a run, shared by all sessions."""
    return _load(run.path, run.identity)


def open_gallery(explorer: "Explorer") -> "Gallery":
    """Test images for a model; one copy of each data set serves all models and sessions."""
    from vae.data.class_choice import whole_name
    from vae.gallery import open_gallery

    run = explorer.run
    dataset = whole_name(run.train.dataset)
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
def _read_catalogue(root: Path) -> "Catalogue":
    from vae.catalogue import read_catalogue

    return read_catalogue(root)


@st.cache_resource(max_entries=12, show_spinner="Loading the model …")
def _load(path: Path, identity: str) -> "Explorer":
    from vae.explorer import Explorer

    return Explorer.open(path)


@st.cache_resource(max_entries=4, show_spinner="Loading the images …")
def _test_images(dataset: str, image_shape: tuple[int, int, int]) -> "ReadImages | None":
    from vae.gallery import read_test_images

    return read_test_images(dataset, image_shape)


@st.cache_resource(show_spinner="Loading torch …")
def _warm_up() -> bool:
    """Import what is heavy once, and keep the garbage collector from walking over it again."""
    import vae.charts
    import vae.explorer  # noqa: F401
    from vae.device import use_threads

    # One thread a request: many people share the cores, and such small models gain nothing.
    use_threads(1)
    # A fifth of Python's own: whoever computes hands over sooner to those who only answer.
    sys.setswitchinterval(SWITCH_SECONDS)
    send_at_once()
    gc.collect()
    gc.freeze()
    prepare(_sample_strips)
    return True


def _sample_strips() -> Iterator[None]:
    """All that Home shows of the models, one by one."""
    for run in catalogue().runs:
        if run.model.is_generative:
            # What cannot be loaded is Home's to say.
            with suppress(VaeError):
                sample_strip(run.path, run.identity)
            yield


def _current_choice(names: list[str]) -> str:
    asked = st.query_params.get(CHOICE, st.session_state.get(CHOICE))
    if asked is not None and asked not in names:
        st.sidebar.warning("The model in the link is not here; this is another one.")
    chosen = asked if asked in names else default_model(names)
    choose(chosen)
    return chosen


def default_model(names: list[str]) -> str:
    """The model that a first visitor sees: the map, where it is there."""
    return next((name for name in names if name.endswith("-map")), names[0])


def _choose_picked() -> None:
    # Gone where another run overtook the choice.
    picked = st.session_state.get(PICKER)
    if picked is not None:
        choose(picked)


def _at_picked_label(explorer: "Explorer") -> "Explorer":
    """A conditional model seen at the class chosen in the sidebar, which stands in the link."""
    run = explorer.run
    names = {str(label): name for label, name in enumerate(run.class_names)}
    kept = link.recall(LABEL, run.train.dataset)
    key = f"label-{run.identity}"
    link.start_widget(key, kept if kept in names else "0")
    with st.sidebar:
        chosen = st.selectbox(
            "Class to decode as",
            list(names),
            key=key,
            format_func=names.__getitem__,
            help="This model is told the class. The code holds the rest: the style.",
        )
    link.keep(LABEL, chosen, run.train.dataset)
    return explorer.at_label(int(chosen))


def _model_card(run: "Run") -> None:
    from vae.config import KINDS
    from vae.data.class_choice import is_narrowed
    from vae.data.registry import dataset_title

    results, model = run.results, run.model
    kind = "" if model.kind == "vae" else f"{KINDS[model.kind]} · "
    terms = f"istortion {results.test_distortion:.1f} + rate {results.test_rate:.1f} nats per "
    here = "D" if model.beta_range is None else f"At {run.train.beta_label}: d"
    images = "test image of these classes" if is_narrowed(run.train.dataset) else "test image"
    with st.sidebar:
        st.caption(
            f"{escaped(dataset_title(run.train.dataset))} · {kind}{model.architecture} · "
            f"{model.latent_dim} latent · {run.beta_label}"
        )
        if not model.has_rate:
            st.caption(f"Distortion {results.test_distortion:.1f} nats per {images}; no rate")
            return
        st.caption(
            f"{here}{terms}{images}, {results.active_units} of {model.latent_dim} dimensions active"
        )
