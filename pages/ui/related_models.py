"""Finds the models that a section needs beside the chosen one: of a kind, or of the same data."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import catalogue, open_explorer

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.core.config import Kind
    from vae.explorer import Explorer
    from vae.runs.run import Run


def runs_of_kind(kind: "Kind", explorer: "Explorer") -> "list[Run]":
    """Return all models of a kind: the chosen model first, then those of the same images."""
    own = explorer.run
    found = [run for run in catalogue().runs if run.model.kind == kind]
    return sorted(found, key=lambda run: (run.path != own.path, not _have_same_images(run, own)))


def pick_of_kind(kind: "Kind", explorer: "Explorer", label: str) -> "Explorer | None":
    """Show a picker if there are several models of a kind, or a hint if there is none."""
    from vae.core.config import KINDS

    runs = runs_of_kind(kind, explorer)
    if not runs:
        st.info(
            f"There is no model of this kind yet ({KINDS[kind]}). Train one under **Train**, "
            f"More settings, or with `vae train --model {kind}`.",
            icon=":material/info:",
        )
        return None
    return pick_one(runs, label, key=f"companion-{kind}", width=280)


def pick_one(runs: "list[Run]", label: str, **settings: Any) -> "Explorer":
    """Show a picker if there are several runs; open the picked one."""
    if len(runs) == 1:
        return open_explorer(runs[0])
    names = {run.name: run for run in runs}
    return open_explorer(names[st.selectbox(label, list(names), **settings)])


def matching_vae(explorer: "Explorer") -> "Explorer | None":
    """Return the plain VAE to compare a model with: its settings differ in the kind alone.

    The likelihood must be the same, or else the nats would not be comparable. Of several VAEs, the
    one with beta nearest to 1 is returned.
    """
    run = explorer.run
    fitting = [
        other
        for other in catalogue().runs
        if other.model.kind == "vae"
        and other.model.beta_range is None
        and not other.train.corruption
        and _have_same_images(other, run)
        and other.model.architecture == run.model.architecture
        and other.model.latent_dim == run.model.latent_dim
        and other.model.likelihood == run.model.likelihood
    ]
    best = min(fitting, key=lambda other: abs(other.train.beta - 1), default=None)
    return None if best is None else open_explorer(best)


def eval_classifier_for(explorer: "Explorer") -> "EvalClassifier":
    """Return the classifier that rates a model's images; raise CheckpointError without one."""
    from vae.analysis.eval_classifier import find_eval_classifier

    return _open_classifier(find_eval_classifier(catalogue().runs, explorer.run))


@st.cache_resource(max_entries=4, show_spinner="Loading the classifier …", hash_funcs=BY_RUN)
def _open_classifier(run: "Run") -> "EvalClassifier":
    from vae.analysis.eval_classifier import EvalClassifier

    return EvalClassifier.open(run.path)


def _have_same_images(run: "Run", other: "Run") -> bool:
    return run.train.dataset == other.train.dataset and (
        run.model.image_shape == other.model.image_shape
    )
