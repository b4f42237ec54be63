"""The model picker of the sidebar."""

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
    """The model chosen in the sidebar, loaded; ends the page calmly where there is none."""
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


def _current_choice(names: list[str]) -> str:
    asked = st.query_params.get(CHOICE, st.session_state.get(CHOICE))
    if asked is not None and asked not in names:
        st.sidebar.warning("The model in the link is not here; this is another one.")
    chosen = asked if asked in names else default_model(names)
    choose(chosen)
    return chosen


def _choose_picked() -> None:
    # Gone where another run overtook the choice.
    picked = st.session_state.get(PICKER)
    if picked is not None:
        choose(picked)


def _at_picked_label(explorer: "Explorer") -> "Explorer":
    """A conditional model seen at the class chosen in the sidebar, which stands in the link."""
    run = explorer.run
    names = {str(label): name for label, name in enumerate(run.class_names)}
    kept = url_state.read(LABEL, run.train.dataset)
    key = f"label-{run.identity}"
    url_state.set_initial_value(key, kept if kept in names else "0")
    with st.sidebar:
        chosen = st.selectbox(
            "Class to decode as",
            list(names),
            key=key,
            format_func=names.__getitem__,
            help="This model is told the class. The code holds the rest: the style.",
        )
    url_state.write(LABEL, chosen, run.train.dataset)
    return explorer.at_label(int(chosen))


def _model_card(run: "Run") -> None:
    from vae.core.config import KINDS
    from vae.core.dataset_name import is_subset
    from vae.data.registry import dataset_title

    results, model = run.results, run.model
    kind = "" if model.kind == "vae" else f"{KINDS[model.kind]} · "
    terms = f"istortion {results.test_distortion:.1f} + rate {results.test_rate:.1f} nats per "
    here = "D" if model.beta_range is None else f"At {run.train.beta_label}: d"
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
            f"{here}{terms}{images}, {results.active_units} of {model.latent_dim} dimensions active"
        )
