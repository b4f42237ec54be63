"""Reads the outcomes of studies that lie beside the checkpoints, and shows their origin."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.markdown import escaped, in_code

if TYPE_CHECKING:
    from vae.analysis.findings import StudyFinding


def load_finding(study: str, dataset: str) -> "StudyFinding | None":
    """Return the outcome of a study on a data set; say so and return None if there is none."""
    from vae.analysis.findings import finding_file, read_study
    from vae.runs.folders import checkpoints_dir, shown_file

    outcome = read_study(shown_file(finding_file(checkpoints_dir(), study, dataset).name), study)
    if outcome is None:
        st.caption(
            "Nothing has been measured on this data set yet. "
            f"{in_code(f'vae {study} --dataset {dataset} --save')} "
            "takes some minutes and saves the outcome."
        )
    return outcome


def show_origin(outcome: "StudyFinding") -> None:
    """Show the command, the date and the versions behind the numbers."""
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    st.caption(f"{in_code(outcome.command)}, {escaped(outcome.created[:10])}, {escaped(versions)}.")
