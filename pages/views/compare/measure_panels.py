"""Draws chosen measures against beta, with a point for each seed."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.widgets import show_figure

if TYPE_CHECKING:
    from pages.views.compare.measured import MeasuredComparison
    from vae.analysis.measurements import Measure
    from vae.charts.comparison import MeasureLine

FIRST_PANELS = (
    "mig sap dci_disentanglement dci_completeness factor_vae explicitness gaussian_tc "
    "label_information knn_accuracy probe_accuracy rate distortion active_units"
).split()
"""The measures that are drawn at first, as many as fit; the most telling come first."""

MOST_PANELS = 6


def show_panels(measured: "MeasuredComparison") -> None:
    """Show a picker of measures, and one chart for each measure in it."""
    from vae.charts.comparison import measure_panels

    by_name = {measure.name: measure for measure in measured.measures}
    first = [name for name in FIRST_PANELS if name in by_name]
    st.markdown("## How each measure changes with β, and how far seeds scatter")
    key = f"measured-panels-{len(by_name)}"
    held = st.session_state.get(key, first)
    # The widget keeps to its maximum, but a program can send more.
    if key not in st.session_state or len(held) > MOST_PANELS:
        st.session_state[key] = held[:MOST_PANELS]
    names = st.multiselect(
        "Measures",
        list(by_name),
        format_func=lambda name: by_name[name].title,
        key=key,
        max_selections=MOST_PANELS,
        label_visibility="collapsed",
    )
    if len(names) < 2:
        st.info("One measure alone misleads; choose at least two.", icon=":material/info:")
        return
    panels = {}
    for measure in map(by_name.__getitem__, names):
        unit = f" ({measure.unit})" if measure.unit else ""
        panels[measure.title + unit] = _lines(measured, measure)
    show_figure(measure_panels(panels), "measured-panels-chart")


def _lines(measured: "MeasuredComparison", measure: "Measure") -> "list[MeasureLine]":
    """Return one line per objective, with the values of each seed of each beta."""
    from vae.charts.comparison import MeasureLine

    lines = []
    for objective, settings in measured.by_objective.items():
        every = {setting.beta: measured.of_seeds(setting, measure) for setting in settings}
        known = {beta: seeds for beta, seeds in every.items() if seeds}
        lines.append(
            MeasureLine(
                objective,
                tuple(known),
                tuple(tuple(seeds) for seeds in known.values()),
                tuple(tuple(seeds.values()) for seeds in known.values()),
            )
        )
    return lines
