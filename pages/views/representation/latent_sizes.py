"""Shows the gain and the cost of a larger code, on stored models of several latent sizes."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.layout import show_error
from pages.ui.markdown import escaped, in_code
from pages.ui.widgets import show_figure
from vae.core.dataset_name import base_name
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.analysis.latent_sizes import LatentSizes
    from vae.explorer import Explorer


def read_family() -> "LatentSizes | None":
    """Return the measured models of several latent sizes, if they lie beside the checkpoints."""
    from vae.analysis.findings import read_finding
    from vae.analysis.latent_sizes import FILE, LatentSizes
    from vae.runs.folders import shown_file

    try:
        return read_finding(shown_file(FILE), LatentSizes)
    except CheckpointError as error:
        show_error(error)
        return None


def show_family(explorer: "Explorer", family: "LatentSizes") -> None:
    """Show the gain and the cost of a larger code."""
    from vae.data.registry import dataset_title

    title = dataset_title(family.dataset)
    has_same_data = base_name(explorer.run.train.dataset) == family.dataset
    st.markdown(f"## How large should a code be? {escaped(title)}, {escaped(family.architecture)}")
    figure = _family_figure(family, explorer.latent_dim if has_same_data else None)
    show_figure(figure, key="latent-sizes")
    seeds = len({model.seed for model in family.models})
    st.caption(
        f"{len(family.models)} models, {seeds} seeds for each size, {family.epochs} epochs at "
        f"β {family.beta:g}; a line connects the medians. "
        + ("The vertical line is the chosen model's size. " if has_same_data else "")
        + f"Measured on {escaped(family.created[:10])} by {in_code(family.command)}."
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def _family_figure(family: "LatentSizes", selected: int | None) -> "go.Figure":
    # Drawing this figure takes half of the page's time.
    from vae.analysis.latent_sizes import measures
    from vae.charts.representation import MeasurePanel, latent_size_panels

    panels = [MeasurePanel(*values) for values in measures(family)]
    return latent_size_panels(family.sizes, panels, selected)
