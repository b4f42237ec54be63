"""The autoencoder beside the VAE: the same images, the same network, no price on the code."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.kind import companions
from vae.pictures import tile

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.studies.holes import Holes

SAMPLES, PAIRS, STEPS = 20, 3, 10
TILE = 42


def show(explorer: "Explorer") -> None:
    """Map, samples and ways between images of both, side by side."""
    autoencoder = companions.pick("autoencoder", explorer, "Autoencoder")
    if autoencoder is None:
        return
    vae = companions.counterpart(autoencoder)
    if vae is None:
        st.info(
            "There is no VAE of the same images, architecture and latent size to put beside it.",
            icon=":material/info:",
        )
        return
    seed = int(st.number_input("Draw", 0, 10_000, 0, width=160, help="Which samples and pairs."))
    for column, one, words in zip(
        st.columns(2, gap="large"),
        (vae, autoencoder),
        ("VAE: codes pay for leaving the prior", "Autoencoder: codes are free"),
        strict=True,
    ):
        with column:
            st.markdown(f"**{words}**")
            show_one(one, seed)
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


def show_one(explorer: "Explorer", seed: int) -> None:
    """One model's numbers, map, samples and ways."""
    show_numbers(explorer)
    st.plotly_chart(
        _codes_figure(explorer.run.identity, explorer),
        key=f"codes-{explorer.run.identity[:12]}",
        config={"displayModeBar": False},
    )
    st.caption("Draws from the standard normal prior")
    st.image(_samples(explorer.run.identity, seed, False, explorer), alt="Prior samples")
    st.caption("Draws from a normal distribution fitted to the codes")
    st.image(_samples(explorer.run.identity, seed, True, explorer), alt="Fitted samples")
    st.caption("Straight ways between the codes of two test images")
    st.image(_ways(explorer.run.identity, seed, explorer), alt="Ways")


def show_numbers(explorer: "Explorer") -> None:
    """Distortion, and the shares that the judge recognises."""
    judge = companions.judge_for(explorer)
    found = _holes(explorer.run.identity, judge.run.identity, explorer, judge)
    shown = (
        ("Distortion", f"{explorer.run.results.test_distortion:.1f}", "nats per test image"),
        ("Reconstructions", f"{found.reconstructions:.0%}", "recognised by the judge"),
        ("Prior", f"{found.prior:.0%}", "of draws from the prior, recognised by the judge"),
        ("Fitted", f"{found.samples:.0%}", "of draws from a normal fitted to the codes"),
        ("Middles", f"{found.middles:.0%}", "of straight ways, recognised by the judge"),
    )
    for column, (label, value, help_text) in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(label, value, help=help_text)


@st.cache_data(max_entries=20, show_spinner="Asking the judge …")
def _holes(identity: str, judge_identity: str, _explorer: "Explorer", _judge) -> "Holes":
    from vae.studies.holes import measure_holes

    return measure_holes(_explorer, _judge, count=1000)


@st.cache_data(max_entries=8, show_spinner=False)
def _codes_figure(identity: str, _explorer: "Explorer"):
    from vae.charts.kinds import codes_by_class
    from vae.projection import overview_plane

    atlas, run = _explorer.atlas, _explorer.run
    plane = overview_plane(atlas.mean)
    points = plane.project(atlas.mean)
    return codes_by_class(points[:3000], atlas.label[:3000], run.class_names, plane.labels)


@st.cache_data(max_entries=50, show_spinner=False)
def _samples(identity: str, seed: int, fitted: bool, _explorer: "Explorer") -> np.ndarray:
    from vae.studies.holes import fitted_samples

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
