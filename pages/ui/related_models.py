"""Models to show beside each other: of the same images, of the kinds that a section needs."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import catalogue, open_explorer

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.core.config import Kind
    from vae.explorer import Explorer
    from vae.runs.run import Run


def runs_of_kind(kind: "Kind", explorer: "Explorer") -> "list[Run]":
    """The models of a kind that there are, those of the chosen model's images first.

    The chosen model itself comes first of all where it is one.
    """
    chosen = explorer.run
    found = [run for run in catalogue().runs if run.model.kind == kind]
    return sorted(found, key=lambda run: (run.path != chosen.path, not _alike(run, chosen)))


def pick_of_kind(kind: "Kind", explorer: "Explorer", label: str) -> "Explorer | None":
    """One of the models of a kind, chosen where there are several; None, and said, without any."""
    from vae.core.config import KINDS

    runs = runs_of_kind(kind, explorer)
    if not runs:
        st.info(
            f"There is no model of this kind yet ({KINDS[kind]}). Train one under **Train**, "
            f"More settings, or with `vae train --model {kind}`.",
            icon=":material/info:",
        )
        return None
    if len(runs) == 1:
        return open_explorer(runs[0])
    names = {run.name: run for run in runs}
    name = st.selectbox(label, list(names), key=f"companion-{kind}", width=280)
    return open_explorer(names[name])


def matching_vae(explorer: "Explorer") -> "Explorer | None":
    """The plain VAE that a model of another kind is to be compared with: equal but for the kind.

    Of another likelihood its nats would be others.
    """
    run = explorer.run
    fitting = [
        other
        for other in catalogue().runs
        if other.model.kind == "vae"
        and other.model.beta_range is None
        and not other.train.corruption
        and _alike(other, run)
        and other.model.architecture == run.model.architecture
        and other.model.latent_dim == run.model.latent_dim
        and other.model.likelihood == run.model.likelihood
    ]
    best = min(fitting, key=lambda other: abs(other.train.beta - 1), default=None)
    return None if best is None else open_explorer(best)


def eval_classifier_for(explorer: "Explorer") -> "EvalClassifier":
    """The classifier that rates a model's images; CheckpointError where there is none."""
    from vae.analysis.eval_classifier import find_eval_classifier

    run = find_eval_classifier(catalogue().runs, explorer.run)
    return _open_classifier(str(run.path), run.identity)


@st.cache_resource(max_entries=4, show_spinner="Loading the classifier …")
def _open_classifier(path: str, identity: str) -> "EvalClassifier":
    from vae.analysis.eval_classifier import EvalClassifier

    return EvalClassifier.open(path)


def _alike(run: "Run", other: "Run") -> bool:
    return run.train.dataset == other.train.dataset and (
        run.model.image_shape == other.model.image_shape
    )
