"""Shows the picker of the model in the sidebar."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import latent_position, url_state
from pages.state.models import CHOICE, catalogue, choose, default_model, open_explorer
from pages.ui.layout import handle_errors, link_to
from pages.ui.markdown import escaped

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.runs.run import Run

PICKER = "model-picker"
LABEL = "class"


def pick_explorer() -> "Explorer":
    """Show the picker and return the loaded model; end the page if there is no model."""
    with handle_errors():
        run = pick_run()
        if run is None:
            st.info("There is no trained model yet.", icon=":material/info:")
            link_to("pages/train.py", "Train one")
            st.stop()
        explorer = open_explorer(run)
        if run.model.needs_labels:
            explorer = _at_picked_label(explorer)
    latent_position.sync_with_link(explorer)
    return explorer


def pick_run() -> "Run | None":
    """Show the picker and return the chosen run, or None if there is no model.

    All pages share the choice, which stands in the address as `?model=NAME`.
    """
    runs = {run.name: run for run in catalogue().runs if run.model.is_generative}
    if not runs:
        return None
    name = _current_choice(list(runs))
    st.session_state[PICKER] = name
    with st.sidebar:
        st.selectbox("Model", list(runs), key=PICKER, on_change=_choose_picked)
    _show_model_card(runs[name])
    return runs[name]


def _current_choice(names: list[str]) -> str:
    """Return the model of the address or of the session, or else the default one."""
    requested = st.query_params.get(CHOICE, st.session_state.get(CHOICE))
    if requested is not None and requested not in names:
        st.sidebar.warning("The model in the link does not exist here, so this is another one.")
    name = requested if requested in names else default_model(names)
    choose(name)
    return name


def _choose_picked() -> None:
    # The state has no value if another run of the page came before this callback.
    picked = st.session_state.get(PICKER)
    if picked is not None:
        choose(picked)


def _at_picked_label(explorer: "Explorer") -> "Explorer":
    """Show the picker of a class and return a conditional model at that class.

    The address holds the class.
    """
    run = explorer.run
    names = {str(label): name for label, name in enumerate(run.class_names)}
    kept = url_state.read(LABEL, run.train.dataset)
    key = f"label-{run.identity}"
    url_state.set_initial_value(key, kept if kept in names else "0")
    with st.sidebar:
        label = st.selectbox(
            "Class to decode as",
            list(names),
            key=key,
            format_func=names.__getitem__,
            help="The class is an input of this model, so the code holds only the rest: the style.",
        )
    url_state.write(LABEL, label, run.train.dataset)
    return explorer.at_label(int(label))


def _show_model_card(run: "Run") -> None:
    """Show the settings of a model and its results on the test images."""
    from vae.core.config import KINDS
    from vae.core.dataset_name import is_subset
    from vae.data.registry import dataset_title

    results, model = run.results, run.model
    kind = "" if model.kind == "vae" else f"{KINDS[model.kind]} · "
    terms = f"istortion {results.test_distortion:.1f} + rate {results.test_rate:.1f} nats per "
    start = "D" if model.beta_range is None else f"At {run.train.beta_label}: d"
    images = "test image of these classes" if is_subset(run.train.dataset) else "test image"
    with st.sidebar:
        st.caption(
            f"{escaped(dataset_title(run.train.dataset))} · {kind}{model.architecture} · "
            f"{model.latent_dim} latent · {run.beta_label}"
        )
        if not model.has_rate:
            st.caption(f"Distortion {results.test_distortion:.1f} nats per {images}; no rate")
            return
        st.caption(
            f"{start}{terms}{images}, "
            f"{results.active_units} of {model.latent_dim} dimensions active"
        )
