"""Shows a run that fails beside the run that cures it, as stored or as trained on this server."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui.widgets import show_figure
from vae.charts.images import tile
from vae.core.access import is_read_only, refuse_if_read_only

if TYPE_CHECKING:
    from vae.analysis.failure_modes.attempt import Attempt, FailureOutcome, StoredFailures
    from vae.analysis.failure_modes.prepared import Failure

TRAINED_HERE = "failures-run-here"
"""Key of the outcomes of this session, by the name of the failure."""

TILE, STORED_WIDTH, SHOWN_WIDTH = 64, 8, 6
SETTING_NAMES = {"beta": "β", "logvar_limit": "log-variances within ±"}


def show_prepared(name: str) -> None:
    """Show the failure and its cure side by side, and the losses of both below them."""
    from vae.analysis.failure_modes.prepared import FAILURES
    from vae.charts.failure_modes import loss_curves

    failure, stored = FAILURES[name], _stored_outcomes()
    trained_here = st.session_state.get(TRAINED_HERE, {})
    outcome = trained_here.get(name, stored.outcomes[name])
    st.markdown(f"**{failure.symptom}** {failure.reason} **To cure it:** {failure.remedy}")
    _show_origin(name, failure, stored, name in trained_here)
    attempts = {"failure": outcome.failure, "cure": outcome.cure}
    headings = (f"## The {title}: {_settings(failure, i)}" for i, title in enumerate(attempts))
    columns = st.columns(2, gap="large")
    for column, heading, attempt in zip(columns, headings, attempts.values(), strict=True):
        with column:
            st.markdown(heading)
            _show_attempt(attempt, failure.request.model.latent_dim)
    st.caption("Rows: test images, their reconstructions, samples from the prior.")
    figure = loss_curves({title: attempt.losses for title, attempt in attempts.items()})
    show_figure(figure, key="losses")


def _settings(failure: "Failure", which: int) -> str:
    """Return the settings that differ, in words: of the failure (0) or of the cure (1)."""
    return ", ".join(
        f"{SETTING_NAMES.get(name, name.replace('_', ' '))} {_value(values[which])}"
        for name, values in failure.differences().items()
    )


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _show_attempt(attempt: "Attempt", latent_dim: int) -> None:
    """Show the images and the numbers of a run, and the report of the detector."""
    st.image(_sheet(attempt), alt="Test images, reconstructions, samples")
    st.markdown(_numbers(attempt, latent_dim))
    for symptom in attempt.symptoms:
        icon = ":material/error:" if symptom.is_failure else ":material/info:"
        st.markdown(f"{icon} {symptom.sentence}")
    if not attempt.symptoms:
        st.markdown(":material/check_circle: The detector finds nothing wrong.")


def _numbers(attempt: "Attempt", latent_dim: int) -> str:
    """Return the measurements on test images as one line."""
    if attempt.elbo is None:
        return "There is no model to measure."
    return (
        f"**{attempt.distortion:.1f}** distortion + **{abs(attempt.rate or 0):.1f}** rate = "
        f"**{-attempt.elbo:.1f}** nats per image · **{attempt.active_units}** of {latent_dim} "
        f"active · codes **{abs(attempt.prior_gap or 0):.2f}** nats from the prior"
    )


def _sheet(attempt: "Attempt") -> np.ndarray:
    """Return test images, their reconstructions and samples, a row each."""
    rows = attempt.rows()
    side = rows.shape[1] // STORED_WIDTH
    cells = rows.reshape(-1, side, STORED_WIDTH, side, rows.shape[2]).swapaxes(1, 2)
    images = cells[:, :SHOWN_WIDTH].reshape(-1, side, side, rows.shape[2])
    return tile(images / np.float32(255), SHOWN_WIDTH, TILE)


def _show_origin(name: str, failure: "Failure", stored: "StoredFailures", is_here: bool) -> None:
    """Show when and with which settings the runs were trained; offer to train them here."""
    source, request = stored.provenance, failure.request
    versions = ", ".join(f"{library} {version}" for library, version in source.versions.items())
    with st.container(horizontal=True, vertical_alignment="center"):
        if not is_read_only():
            _offer_run(name, failure)
        st.caption(
            f"{request.train.dataset}, {request.model.architecture}, "
            f"{request.model.latent_dim} latent, {request.train.epochs} epochs. "
            + (
                "Measured just now on this machine."
                if is_here
                else f"`vae failures {name}` on {source.created[:10]}, {versions}."
            ),
            width="stretch",
        )


def _offer_run(name: str, failure: "Failure") -> None:
    if st.button("Run both here", icon=":material/play_arrow:", key=f"run-{name}"):
        _run_here(name, failure)


def _run_here(name: str, failure: "Failure") -> None:
    """Train both runs on this server with a progress bar, and keep the outcome in the session."""
    from vae.analysis.failure_modes.attempt import run_both
    from vae.data.registry import load_dataset

    refuse_if_read_only("training")
    bar = st.progress(0.0, text="Reading the data …")
    data = load_dataset(failure.request.train.dataset)
    outcome: FailureOutcome = run_both(
        failure, data, lambda share: bar.progress(share, text="Training both, one by one …")
    )
    st.session_state.setdefault(TRAINED_HERE, {})[name] = outcome
    st.rerun()


@st.cache_resource(show_spinner=False)
def _stored_outcomes() -> "StoredFailures":
    from vae.analysis.failure_modes.attempt import load_stored_failures

    return load_stored_failures()
