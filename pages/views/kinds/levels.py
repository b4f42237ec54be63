"""The hierarchical VAE: shows the part of an image that each level of the code decides."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.caches import BY_RUN
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.image_picker import offer_start_images
from pages.ui.markdown import error_text, escaped
from pages.ui.widgets import choose_one, choose_seed, show_figure, show_metrics
from vae.charts.images import tile
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.levels import HeldLevels
    from vae.explorer import Explorer

ROWS, COLUMNS, STEPS, TILE = 4, 10, 10, 56


def show(explorer: "Explorer") -> None:
    """Show samples with the upper levels held, traversals of each level, and the ELBO."""
    model = related_models.pick_of_kind("ladder", explorer, "Hierarchical model")
    if model is None:
        return
    left, right = st.columns([2, 1], gap="large")
    with left:
        _show_held(model)
        _show_traversals(model)
    with right:
        _show_elbo(model)
        _show_rates(model)
        _show_same_class(model)
    with st.expander("What is a level?"):
        st.markdown(
            r"The top level has the standard normal prior. The levels above give the prior of each "
            r"lower level, $p(z) = p(z_1)\,p(z_2|z_1)\cdots$, and its posterior, "
            r"$q(z|x) = q(z_1|x)\,q(z_2|x,z_1)\cdots$ (Sønderby et al. 2016). The posterior is "
            "relative to the prior, as in Vahdat and Kautz (2020). The rate is the sum over levels "
            r"of $\mathrm{KL}(q(z_l|x,z_{<l})\,\|\,p(z_l|z_{<l}))$. "
            r"All pages show the code in noise coordinates, $u_1=z_1$ and "
            r"$z_l=\mu_p(z_{<l})+\sigma_p(z_{<l})\,u_l$. In these coordinates the whole prior is "
            "the standard normal distribution, and the KL is the same. So the model is also a VAE "
            "of one level: its decoder works in steps, and its posterior is no diagonal Gaussian."
        )


def _show_held(explorer: "Explorer") -> None:
    """Show rows of samples; a row shares its upper levels and draws the others anew."""
    count = len(explorer.run.model.levels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        held = choose_one(
            "Held in each row",
            list(range(count)),
            f"held-{explorer.run.identity}",
            1,
            format_func=lambda n: "nothing" if n == 0 else ("level 1" if n == 1 else f"1 to {n}"),
        )
        seed = choose_seed(width=130)
    st.image(_held_samples(explorer, held, seed), alt="Samples")
    st.caption(
        "Samples of the prior. Along a row the held levels stay, and the levels below them are "
        "drawn again."
    )


def _show_traversals(explorer: "Explorer") -> None:
    """Show one traversal for each level, from the shared position."""
    from vae.analysis.levels import leading_dimensions

    offer_start_images(explorer, "Start from a test image", key="levels-start")
    code = latent_position.position(explorer)
    st.image(_traversals(explorer, tuple(code)), alt="Traversals")
    names = [f"z{dimension + 1}" for dimension in leading_dimensions(explorer.run)]
    st.caption(
        "A row for each level, the top level first. Its dimension with the highest rate "
        f"({', '.join(names)}) goes from −2.5 to 2.5. The others are as in the shared code."
    )


def _show_elbo(explorer: "Explorer") -> None:
    """Show the ELBO beside that of the matching VAE of one level."""
    flat = related_models.matching_vae(explorer)
    own, columns = explorer.run.results.test_elbo, st.columns(2)
    gain = None if flat is None else f"{own - flat.run.results.test_elbo:+.1f} nats"
    columns[0].metric("Hierarchical ELBO", f"{own:.1f} nats", gain)
    if flat is None:
        st.caption("There is no VAE of one level of the same images, network and latent size.")
        return
    columns[1].metric("Flat ELBO", f"{flat.run.results.test_elbo:.1f} nats")
    st.caption(
        f"Per test image; {explorer.parameter_count:,} weights against {flat.parameter_count:,} "
        f"of {escaped(flat.run.name)}.{_best_flat(explorer)} "
        f"`vae levels {command_path(explorer.run)} --against {command_path(flat.run)}` prints "
        "this and the log-likelihoods."
    )


def _best_flat(explorer: "Explorer") -> str:
    """Return a sentence on the VAE of these images with the best ELBO, whatever its network."""
    runs = related_models.runs_of_kind("vae", explorer)
    alike = [run for run in runs if run.train.dataset == explorer.run.train.dataset]
    alike = [run for run in alike if run.model.likelihood == explorer.run.model.likelihood]
    best = max(alike, key=lambda run: run.results.test_elbo)
    return (
        f" The best flat model of any network here is {escaped(best.name)} "
        f"({best.model.architecture}): {best.results.test_elbo:.1f}."
    )


def _show_rates(explorer: "Explorer") -> None:
    """Show the rate and the active dimensions of each level."""
    from vae.analysis.levels import active_by_level, rate_by_level
    from vae.charts.levels import level_bars

    run = explorer.run
    show_figure(level_bars(rate_by_level(run)), key="level-rates")
    active = zip(active_by_level(run), run.model.levels, strict=True)
    st.caption(
        "Active dimensions, from the top: " + ", ".join(f"{on} of {size}" for on, size in active)
    )


def _show_same_class(explorer: "Explorer") -> None:
    """Show how much of the class the upper levels decide, if there is a classifier."""
    try:
        classifier = related_models.eval_classifier_for(explorer)
    except VaeError as error:
        st.caption(
            f"The share of the class that each level decides is not known: {error_text(error)}."
        )
        return
    found = _measure(explorer, classifier)
    help_text = (
        f"{found.count} pairs of samples share these levels. The classifier "
        f"{escaped(classifier.run.name)} sees the same class in this share of them. Of pairs that "
        f"share nothing it is {found.chance:.0%}."
    )
    show_metrics(
        [
            (f"Same class, {_level_names(n)} held", f"{share:.0%}", help_text)
            for n, share in enumerate(found.same_class, start=1)
        ]
    )


def _level_names(count: int) -> str:
    return "level 1" if count == 1 else f"levels 1 to {count}"


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _held_samples(explorer: "Explorer", held: int, seed: int) -> np.ndarray:
    from vae.analysis.levels import resample_below

    codes = resample_below(explorer.run, held, ROWS, COLUMNS, seed)
    return tile(explorer.decode(codes.reshape(ROWS * COLUMNS, -1)), COLUMNS, TILE)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _traversals(explorer: "Explorer", code: tuple[float, ...]) -> np.ndarray:
    from vae.analysis.levels import traversals

    codes = traversals(explorer.run, np.array(code), STEPS)
    return tile(explorer.decode(codes.reshape(-1, codes.shape[-1])), STEPS, TILE)


@st.cache_data(max_entries=20, show_spinner="Classifying samples …", hash_funcs=BY_RUN)
def _measure(explorer: "Explorer", classifier: "EvalClassifier") -> "HeldLevels":
    from vae.analysis.levels import measure_held_levels

    return measure_held_levels(explorer, classifier, count=500)
