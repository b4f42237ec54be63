"""The autoencoder beside the VAE: the same images, the same network, no price on the code."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui import related_models
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.prior_coverage import PriorCoverage
    from vae.explorer import Explorer

SAMPLES, PAIRS, STEPS = 20, 3, 10
TILE = 42


def show(explorer: "Explorer") -> None:
    """The numbers of both, then their samples, ways and maps side by side."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        autoencoder = related_models.pick_of_kind("autoencoder", explorer, "Autoencoder")
        if autoencoder is None:
            return
        seed = int(st.number_input("Draw", 0, 10_000, 0, width=160))
    vae = related_models.matching_vae(autoencoder)
    if vae is None:
        st.info(
            "There is no VAE of the same images, architecture and latent size to put beside it.",
            icon=":material/info:",
        )
        return
    show_numbers({"VAE": vae, "Autoencoder": autoencoder})
    words = ("VAE: codes pay for leaving the prior", "Autoencoder: codes are free")
    for column, title, one in zip(
        st.columns(2, gap="large"), words, (vae, autoencoder), strict=True
    ):
        with column:
            show_pictures(title, one, seed)
    with st.expander("What is compared?"):
        st.markdown(
            "Both have the same network and saw the same images. A classifier of real images "
            "**recognises** an image when it gives one class a probability of at least 0.9; of "
            "decoded codes of test images (**reconstructions**) that is the most that the decoder "
            "can reach. **Prior**: codes drawn from the standard normal distribution. The "
            "autoencoder was never told of it, and its codes lie elsewhere. **Fitted**: codes from "
            "a normal distribution with the mean and covariance of the model's own test codes, "
            "which forgives it that. **Middles**: half-way between the codes of two test images. "
            "The autoencoder's pictures are the sharper ones, since its codes cost nothing; but "
            "what lies around and between them was never asked to be anything."
        )


def show_numbers(models: "dict[str, Explorer]") -> None:
    """Distortion, and the shares that the classifier recognises, a row a model."""
    rows = [
        "| model | distortion | reconstructions | prior | fitted | middles |",
        "|---|" + "--:|" * 5,
    ]
    for name, explorer in models.items():
        classifier = related_models.eval_classifier_for(explorer)
        found = _prior_coverage(
            explorer.run.identity, classifier.run.identity, explorer, classifier
        )
        shares = found.reconstructions, found.prior, found.samples, found.middles
        cells = [f"{explorer.run.results.test_distortion:.1f} nats"]
        cells += [f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" for share in shares]
        rows.append(f"| **{name}** | {' | '.join(cells)} |")
    st.markdown("\n".join(rows))
    st.caption("In percent: decoded images that a classifier of real ones recognises.")


def show_pictures(title: str, explorer: "Explorer", seed: int) -> None:
    """One model's samples, ways and map."""
    identity = explorer.run.identity
    st.markdown(f"**{title}**")
    st.caption("Prior: codes drawn from the standard normal distribution")
    st.image(_samples(identity, seed, False, explorer), alt="Prior samples")
    st.caption("Fitted: codes drawn from a normal distribution like that of the codes")
    st.image(_samples(identity, seed, True, explorer), alt="Fitted samples")
    st.caption("Straight ways between the codes of two test images")
    st.image(_ways(identity, seed, explorer), alt="Ways")
    st.plotly_chart(
        _codes_figure(identity, explorer),
        key=f"codes-{identity[:12]}",
        config={"displayModeBar": False},
    )


@st.cache_data(max_entries=20, show_spinner="Asking the classifier …")
def _prior_coverage(
    identity: str, classifier_identity: str, _explorer: "Explorer", _classifier
) -> "PriorCoverage":
    from vae.analysis.prior_coverage import measure_prior_coverage

    return measure_prior_coverage(_explorer, _classifier, count=1000)


@st.cache_data(max_entries=8, show_spinner=False)
def _codes_figure(identity: str, _explorer: "Explorer"):
    from vae.charts.kinds import codes_by_class
    from vae.explorer.latent.projection import overview_plane

    atlas, run = _explorer.atlas, _explorer.run
    plane = overview_plane(atlas.mean)
    points = plane.project(atlas.mean)
    return codes_by_class(points[:3000], atlas.label[:3000], run.class_names, plane.labels)


@st.cache_data(max_entries=50, show_spinner=False)
def _samples(identity: str, seed: int, fitted: bool, _explorer: "Explorer") -> np.ndarray:
    from vae.analysis.prior_coverage import fitted_samples

    if fitted:
        return tile(_explorer.decode(fitted_samples(_explorer, SAMPLES, seed)), STEPS, TILE)
    return tile(_explorer.sample(SAMPLES, seed), STEPS, TILE)


@st.cache_data(max_entries=50, show_spinner=False)
def _ways(identity: str, seed: int, _explorer: "Explorer") -> np.ndarray:
    # The labels are those of the test split: both models walk between the same images.
    generator = np.random.default_rng(seed)
    pairs = [_two_classes(_explorer.atlas.label, generator) for _ in range(PAIRS)]
    codes = _explorer.atlas.mean
    walked = [_explorer.interpolate(codes[a], codes[b], STEPS) for a, b in pairs]
    return tile(np.concatenate(walked), STEPS, TILE)


def _two_classes(labels: np.ndarray, generator: np.random.Generator) -> tuple[int, int]:
    """Two test images, of different classes where there are any."""
    first = int(generator.integers(len(labels)))
    others = np.flatnonzero(labels != labels[first])
    return first, int(generator.choice(others if len(others) else len(labels)))
