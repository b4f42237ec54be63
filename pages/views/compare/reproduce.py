"""Shows the definitions of the measures, the commands that reproduce them, and a CSV file."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.views.compare.measure_table import explain_measure

if TYPE_CHECKING:
    from pages.views.compare.measured import MeasuredComparison
    from vae.analysis.measurements import Protocol
    from vae.runs.comparison import Comparison


def show_definitions_and_commands(measured: "MeasuredComparison") -> None:
    """Show the definitions and the commands, both folded away, beside the download."""
    from vae.analysis.measurements import csv_table

    comparison, scores, protocol = measured.comparison, measured.scores, measured.protocol
    folds, download = st.columns([3, 1])
    with folds.expander("What do these measure?"):
        for measure in measured.measures:
            st.markdown(f"**{measure.title}**  \n{explain_measure(measure.entry, '  ' + chr(10))}")
    with folds.expander("Commands: train and measure each of these models again"):
        show_commands(comparison, protocol if scores else None)
    download.download_button(
        "Table as CSV, one row per run",
        csv_table(comparison, measured.values, scores, protocol),
        "measurements.csv",
        "text/csv",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )


def show_commands(comparison: "Comparison", protocol: "Protocol | None") -> None:
    """Show the commands that train each run again, and those that compute its scores again."""
    from vae.analysis.measurements import metrics_command
    from vae.runs.report import train_command

    st.markdown("Train each of these models again:")
    runs = (*comparison.runs, *comparison.multi_rate)
    st.code("\n".join(map(train_command, runs)), language="bash")
    if comparison.runs:
        how = "by the published protocol"
        if protocol:
            how = "as here (without the options in the middle: by the published protocol)"
        st.markdown(f"Measure each model {how}, and store its scores:")
        lines = [metrics_command(run, protocol) for run in comparison.runs]
        st.code("\n".join(lines), language="bash")
