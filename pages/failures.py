"""Failures: small runs that go wrong, what the detector says of them, and the cure beside them."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import url_state
from pages.state.models import command_path, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one
from vae.charts.images import tile
from vae.core.access import is_read_only, refuse_if_read_only

if TYPE_CHECKING:
    from vae.analysis.failure_modes.attempt import Attempt, FailureOutcome, StoredFailures
    from vae.analysis.failure_modes.prepared import Failure
    from vae.analysis.ood import OodResult
    from vae.explorer import Explorer

OOD = "strangers"
CHOICE = "failure"
ROWS = "test images, their reconstructions, samples from the prior"
TILE, STORED_WIDTH, SHOWN_WIDTH = 64, 8, 6
MET, EACH = 1000, 3

open_page(
    "Failures",
    "Choose what goes **wrong**: the symptom, what the detector says of it, and the **cure** "
    "beside it.",
)


def choose() -> str:
    """One of the failures, kept in the link."""
    from vae.analysis.failure_modes.prepared import FAILURES

    titles = {name: failure.title for name, failure in FAILURES.items()}
    titles[OOD] = "Images from elsewhere"
    url_state.set_initial_value("failure-choice", url_state.read(CHOICE), list(titles))
    chosen = choose_one(
        "Failure",
        list(titles),
        "failure-choice",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )
    url_state.write(CHOICE, chosen)
    return chosen


def show_prepared(name: str) -> None:
    """Both runs side by side, their losses below."""
    from vae.analysis.failure_modes.prepared import FAILURES
    from vae.charts.failure_modes import loss_curves

    failure, stored = FAILURES[name], stored_outcomes()
    here = st.session_state.get("failures-run-here", {})
    outcome = here.get(name, stored.outcomes[name])
    st.markdown(f"**{failure.symptom}** {failure.reason} **To cure it:** {failure.remedy}")
    show_origin(name, failure, stored, name in here)
    attempts = {"failure": outcome.failure, "cure": outcome.cure}
    for place, (column, (title, attempt)) in enumerate(
        zip(st.columns(2, gap="large"), attempts.items(), strict=True)
    ):
        with column:
            changed = differences(failure).items()
            words = ", ".join(f"{setting} {values[place]}" for setting, values in changed)
            st.markdown(f"## The {title}: {words}")
            show_attempt(attempt, failure.request.model.latent_dim)
    st.caption(f"Rows: {ROWS}.")
    figure = loss_curves({title: attempt.losses for title, attempt in attempts.items()})
    st.plotly_chart(figure, key="losses", config={"displayModeBar": False})


def differences(failure: "Failure") -> dict[str, tuple[str, str]]:
    """The settings that differ, in words."""
    words = {"beta": "β", "logvar_limit": "log-variances within ±"}
    return {
        words.get(name, name.replace("_", " ")): (_value(values[0]), _value(values[1]))
        for name, values in failure.differences().items()
    }


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def show_attempt(attempt: "Attempt", latent_dim: int) -> None:
    """Pictures, numbers, and what the detector says."""
    st.image(sheet(attempt), alt="Test images, reconstructions, samples")
    st.markdown(in_numbers(attempt, latent_dim))
    for symptom in attempt.symptoms:
        icon = ":material/error:" if symptom.is_failure else ":material/info:"
        st.markdown(f"{icon} {symptom.sentence}")
    if not attempt.symptoms:
        st.markdown(":material/check_circle: The detector finds nothing wrong.")


def in_numbers(attempt: "Attempt", latent_dim: int) -> str:
    """What was measured on test images, in one line."""
    if attempt.elbo is None:
        return "There is no model to measure."
    return (
        f"**{attempt.distortion:.1f}** distortion + **{abs(attempt.rate or 0):.1f}** rate = "
        f"**{-attempt.elbo:.1f}** nats an image · **{attempt.active_units}** of {latent_dim} "
        f"active · codes **{abs(attempt.prior_gap or 0):.2f}** nats from the prior"
    )


def sheet(attempt: "Attempt") -> np.ndarray:
    """Test images, reconstructions, samples: a row each."""
    rows = attempt.rows()
    side = rows.shape[1] // STORED_WIDTH
    cells = rows.reshape(-1, side, STORED_WIDTH, side, rows.shape[2]).swapaxes(1, 2)
    images = cells[:, :SHOWN_WIDTH].reshape(-1, side, side, rows.shape[2])
    return tile(images / np.float32(255), SHOWN_WIDTH, TILE)


def show_origin(name: str, failure: "Failure", stored: "StoredFailures", is_here: bool) -> None:
    """Where the numbers come from, and the button that measures them here."""
    made = stored.provenance
    versions = ", ".join(f"{library} {version}" for library, version in made.versions.items())
    request = failure.request
    with st.container(horizontal=True, vertical_alignment="center"):
        if not is_read_only():
            offer_run(name, failure)
        st.caption(
            f"{request.train.dataset}, {request.model.architecture}, "
            f"{request.model.latent_dim} latent, {request.train.epochs} epochs. "
            + (
                "Measured just now on this machine."
                if is_here
                else f"`vae failures {name}` on {made.created[:10]}, {versions}."
            ),
            width="stretch",
        )


def offer_run(name: str, failure: "Failure") -> None:
    """The button that trains both on this server."""
    if st.button("Run both here", icon=":material/play_arrow:", key=f"run-{name}"):
        run_here(name, failure)


def run_here(name: str, failure: "Failure") -> None:
    """Train both, with a bar, and show what comes out."""
    from vae.analysis.failure_modes.attempt import run_both
    from vae.data.registry import load_dataset

    refuse_if_read_only("training")
    bar = st.progress(0.0, text="Reading the data …")
    data = load_dataset(failure.request.train.dataset)
    outcome: FailureOutcome = run_both(
        failure, data, lambda share: bar.progress(share, text="Training both, one by one …")
    )
    st.session_state.setdefault("failures-run-here", {})[name] = outcome
    st.rerun()


@st.cache_resource(show_spinner=False)
def stored_outcomes() -> "StoredFailures":
    """What was measured before."""
    from vae.analysis.failure_modes.attempt import load_stored_failures

    return load_stored_failures()


def show_ood(explorer: "Explorer") -> None:
    """The chosen model, and images that it was not trained on."""
    gallery = open_gallery(explorer)
    note_missing(explorer, gallery)
    st.markdown(
        "**A model answers whatever it is shown: it encodes and decodes any image of the right "
        "size, and does not say that it never saw the like.** The detector reads two signs: an "
        "ELBO lower than that of all but 1 % of its own test images, and a code further off theirs "
        "than all but 1 %."
    )
    found = met(explorer.run.identity, gallery.are_real, explorer, gallery)
    pictures, numbers = st.columns([1.1, 1.2], gap="medium")
    with pictures:
        st.image(
            ood_sheet(explorer.run.identity, gallery.are_real, explorer, gallery),
            alt="Images of several sorts",
        )
        st.caption("A column a sort, in the order of the table; below each image what comes back.")
    with numbers:
        st.markdown(ood_table(found))
        st.caption(
            f"**To cure it:** ask for both signs before believing a number. {found[0].count:,} "
            f"images a sort, as `vae ood {command_path(explorer.run)}` measures them."
        )


def ood_table(found: "list[OodResult]") -> str:
    """The measures as Markdown."""
    lines = [
        "| images | −ELBO, nats | low ELBO | far code | flagged |",
        "|---|---:|---:|---:|---:|",
    ]
    for sort in found:
        lines.append(
            f"| {sort.name} | {sort.loss:,.4g} | {sort.low_elbo:.1%} | {sort.far_code:.1%} "
            f"| **{sort.flagged:.1%}** |"
        )
    return "\n".join(lines)


@st.cache_data(max_entries=20, show_spinner="Showing it images from elsewhere …")
def met(identity: str, are_real: bool, _explorer, _gallery) -> "list[OodResult]":
    """What the model makes of each sort."""
    from vae.analysis.ood import measure_ood

    chosen = np.random.default_rng(0).permutation(len(_gallery.labels))[:MET]
    return measure_ood(_explorer, _gallery.images(chosen), _gallery.labels[chosen])


@st.cache_data(max_entries=20, show_spinner=False)
def ood_sheet(identity: str, are_real: bool, _explorer, _gallery) -> np.ndarray:
    """Some images of each sort, each above what the model makes of it."""
    from vae.analysis.ood import image_sources

    chosen = np.random.default_rng(1).permutation(len(_gallery.labels))[:EACH]
    sorts = image_sources(_explorer, _gallery.images(chosen))
    rows = []
    for place in range(min(map(len, sorts.values()))):
        images = np.stack([some[place] for some in sorts.values()])
        rows += [images, _explorer.reconstruct(images, np.zeros(len(images), int))]
    return tile(np.concatenate(rows), len(sorts), 56)


explorer = pick_explorer()
with handle_errors():
    chosen = choose()
    if chosen == OOD:
        show_ood(explorer)
    else:
        show_prepared(chosen)

with st.expander("How does the detector know?"):
    st.markdown(
        """
`vae train`, the page Train and `vae diagnose CHECKPOINT` ask the same detector. Each symptom is one
number and one threshold, set so that none of the models that ship raises a false alarm.

- **Collapse**: no latent dimension's posterior mean varies by more than 0.01 over the test images
  (Burda et al. 2016). Some dimensions unused is no failure, but worth knowing.
- **Too little KL**: a normal distribution with the moments of all codes together lies more than a
  nat from the prior. The codes themselves lie further still.
- **Explosion**: an epoch's loss is more than twice that of a decoder that paints grey, or rises
  half above the best before it. **Divergence**: it is no longer finite.
- **Clamped log-variances**: more than 5 % of them stand at the limit.
- **Over-fitting**: a test image costs a tenth more than a training image.
"""
    )
