"""The hierarchical VAE: what each level says, and what it leaves to the levels below."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state import latent_position
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.image_picker import choose_test_image
from pages.ui.markdown import error_text, escaped
from pages.ui.widgets import choose_one
from vae.charts.images import tile
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.analysis.levels import HeldLevels
    from vae.explorer import Explorer

ROWS, COLUMNS, STEPS, TILE = 4, 10, 10, 56


def show(explorer: "Explorer") -> None:
    """Samples with the upper levels held, a row of traversals for each level, and the price."""
    model = related_models.pick_of_kind("ladder", explorer, "Hierarchical model")
    if model is None:
        return
    left, right = st.columns([2, 1], gap="large")
    with left:
        show_held(model)
        show_traversals(model)
    with right:
        show_price(model)
        show_rates(model)
        show_kept(model)
    with st.expander("What is a level?"):
        st.markdown(
            r"The top level has the standard normal prior; the prior of each level below is "
            r"given by what is above, $p(z) = p(z_1)\,p(z_2|z_1)\cdots$, and so is its posterior, "
            r"$q(z|x) = q(z_1|x)\,q(z_2|x,z_1)\cdots$ (Sønderby et al. 2016; told relative to the "
            "prior as in Vahdat and Kautz 2020). The rate is the sum of the levels' "
            r"$\mathrm{KL}(q(z_l|x,z_{<l})\,\|\,p(z_l|z_{<l}))$. "
            r"All pages show the code in noise coordinates, $u_1=z_1$ and "
            r"$z_l=\mu_p(z_{<l})+\sigma_p(z_{<l})\,u_l$: there the prior of everything is the "
            "standard normal and the KL is the same, so that such a model is also a VAE of one "
            "level with a decoder in steps and a posterior that is no diagonal Gaussian."
        )


def show_held(explorer: "Explorer") -> None:
    """A row shares its upper levels; the rest is drawn afresh in each column."""
    count = len(explorer.run.model.levels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        held = choose_one(
            "Held in each row",
            list(range(count)),
            f"held-{explorer.run.identity}",
            1,
            format_func=lambda n: "nothing" if n == 0 else ("level 1" if n == 1 else f"1 to {n}"),
        )
        seed = int(st.number_input("Draw", 0, 10_000, 0, width=130))
    st.image(_held(explorer.run.identity, held, seed, explorer), alt="Samples")
    st.caption(
        "Samples of the prior. Along a row the held levels stay and those below are drawn again."
    )


def show_traversals(explorer: "Explorer") -> None:
    """One row a level, from the shared place."""
    from vae.analysis.levels import leading_dimensions

    index = choose_test_image(explorer, "Start from a test image", key="levels-start")
    if index is not None:
        latent_position.start_from_image(explorer, index)
    code = latent_position.position(explorer)
    st.image(_traversals(explorer.run.identity, tuple(code), explorer), alt="Traversals")
    names = [f"z{dimension + 1}" for dimension in leading_dimensions(explorer.run)]
    st.caption(
        "A row a level, the top one first: its dimension with the highest rate "
        f"({', '.join(names)}) from −2.5 to 2.5, the others as in the shared code."
    )


def show_price(explorer: "Explorer") -> None:
    """−ELBO beside that of the flat model."""
    flat = related_models.matching_vae(explorer)
    own, columns = explorer.run.results.test_elbo, st.columns(2)
    gain = None if flat is None else f"{own - flat.run.results.test_elbo:+.1f} nats"
    columns[0].metric("Hierarchical ELBO", f"{own:.1f} nats", gain)
    if flat is not None:
        columns[1].metric("Flat ELBO", f"{flat.run.results.test_elbo:.1f} nats")
    if flat is None:
        st.caption("There is no VAE of one level of the same images, network and latent size.")
        return
    st.caption(
        f"Per test image; {explorer.parameter_count:,} weights against {flat.parameter_count:,} "
        f"of {escaped(flat.run.name)}.{_best_flat(explorer)} "
        f"`vae levels {command_path(explorer.run)} --against {command_path(flat.run)}` prints "
        "this and the log-likelihoods."
    )


def _best_flat(explorer: "Explorer") -> str:
    """The plain VAE of these images that has the best ELBO, of whatever network."""
    runs = related_models.runs_of_kind("vae", explorer)
    alike = [run for run in runs if run.train.dataset == explorer.run.train.dataset]
    alike = [run for run in alike if run.model.likelihood == explorer.run.model.likelihood]
    best = max(alike, key=lambda run: run.results.test_elbo)
    return (
        f" The best flat model of any network here is {escaped(best.name)} "
        f"({best.model.architecture}): {best.results.test_elbo:.1f}."
    )


def show_rates(explorer: "Explorer") -> None:
    """What each level costs."""
    from vae.analysis.levels import active_by_level, rate_by_level
    from vae.charts.levels import level_bars

    run = explorer.run
    figure = level_bars(rate_by_level(run))
    st.plotly_chart(figure, key="level-rates", config={"displayModeBar": False})
    active = zip(active_by_level(run), run.model.levels, strict=True)
    st.caption(
        "Active dimensions, from the top: " + ", ".join(f"{on} of {size}" for on, size in active)
    )


def show_kept(explorer: "Explorer") -> None:
    """How much of the class the upper levels decide, where there is a classifier."""
    try:
        classifier = related_models.eval_classifier_for(explorer)
    except VaeError as error:
        st.caption(f"How much of the class each level decides is not known: {error_text(error)}.")
        return
    found = _kept(explorer.run.identity, classifier.run.identity, explorer, classifier)
    names = [f"level{'s' * (n > 1)} {'1' if n == 1 else f'1 to {n}'}" for n in range(1, 9)]
    for column, name, share in zip(
        st.columns(len(found.same_class)), names, found.same_class, strict=False
    ):
        column.metric(
            f"Same class, {name} held",
            f"{share:.0%}",
            help=f"Of {found.count} pairs of samples that share these levels, by the classifier "
            f"{escaped(classifier.run.name)}; of pairs that share nothing {found.chance:.0%}.",
        )


@st.cache_data(max_entries=50, show_spinner=False)
def _held(identity: str, held: int, seed: int, _explorer: "Explorer") -> np.ndarray:
    from vae.analysis.levels import resample_below

    codes = resample_below(_explorer.run, held, ROWS, COLUMNS, seed)
    return tile(_explorer.decode(codes.reshape(ROWS * COLUMNS, -1)), COLUMNS, TILE)


@st.cache_data(max_entries=50, show_spinner=False)
def _traversals(identity: str, code: tuple[float, ...], _explorer: "Explorer") -> np.ndarray:
    from vae.analysis.levels import traversals

    codes = traversals(_explorer.run, np.array(code), STEPS)
    return tile(_explorer.decode(codes.reshape(-1, codes.shape[-1])), STEPS, TILE)


@st.cache_data(max_entries=20, show_spinner="Asking the classifier …")
def _kept(
    identity: str, classifier_identity: str, _explorer: "Explorer", _classifier
) -> "HeldLevels":
    from vae.analysis.levels import measure_held_levels

    return measure_held_levels(_explorer, _classifier, count=500)
