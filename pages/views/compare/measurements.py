"""Shows the view Measurements: all measured values of the runs of a comparison."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.layout import handle_errors
from pages.views.compare.effect_summary import show_effects
from pages.views.compare.factor_map import show_factor_map
from pages.views.compare.measure_panels import show_panels
from pages.views.compare.measure_table import show_table
from pages.views.compare.measured import MeasuredComparison, has_several_seeds
from pages.views.compare.rate_charts import show_plane, show_rate_charts
from pages.views.compare.reproduce import show_commands, show_definitions_and_commands
from pages.views.compare.score_choice import choose_scores, explain_scores

if TYPE_CHECKING:
    from vae.runs.comparison import Comparison


@st.fragment
def show_measurements(comparison: "Comparison") -> None:
    """Show all measured values of a comparison, and the commands that reproduce them."""
    with handle_errors():
        if comparison.settings:
            _show_all(comparison)
            return
        st.caption(
            "There is no model of this network that was trained for a single β. This is the curve "
            "of the multi-rate model, which serves every β."
        )
        show_plane(comparison)
        show_commands(comparison, None)


def _show_all(comparison: "Comparison") -> None:
    effects = st.container(border=True)
    show_rate_charts(comparison)
    seeds = "one seed each"
    if has_several_seeds(comparison):
        seeds = "the median over seeds, and below it their range"
    st.markdown(f"## Every measure: {seeds}")
    # Its own container keeps everything below it in place while models are measured.
    with st.container():
        protocol, scores = choose_scores(comparison)
    measured = MeasuredComparison(comparison, scores, protocol)
    with effects:
        show_effects(measured)
    show_table(measured)
    explain_scores(measured)
    show_definitions_and_commands(measured)
    show_panels(measured)
    show_factor_map(comparison)
