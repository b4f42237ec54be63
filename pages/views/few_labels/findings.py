"""What the studies found earlier, read from beside the checkpoints."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.markdown import escaped, in_code

if TYPE_CHECKING:
    from vae.analysis.findings import StudyFinding


def load_finding(study: str, dataset: str) -> "StudyFinding | None":
    """The outcome of a study on a data set; None, and said, where nothing was kept."""
    from vae.analysis.findings import finding_file, read_study
    from vae.runs.folders import checkpoints_dir, shown_file

    outcome = read_study(shown_file(finding_file(checkpoints_dir(), study, dataset).name), study)
    if outcome is None:
        st.caption(
            "Nothing was measured on this data set yet: "
            f"{in_code(f'vae {study} --dataset {dataset} --save')} "
            "takes some minutes and keeps what it finds."
        )
    return outcome


def show_origin(outcome: "StudyFinding") -> None:
    """How the numbers came about."""
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    st.caption(f"{in_code(outcome.command)}, {escaped(outcome.created[:10])}, {escaped(versions)}.")
