"""The autoencoder beside the VAE: the same images and network, but no rate for the code."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.ui import related_models
from pages.ui.markdown import table
from pages.ui.widgets import choose_seed, show_figure
from vae.charts.images import tile

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.prior_coverage import PriorCoverage
    from vae.explorer import Explorer

SAMPLES, PAIRS, STEPS = 20, 3, 10
TILE = 42
HEADS = ("model", "distortion", "reconstructions", "prior", "fitted", "middles")


def show(explorer: "Explorer") -> None:
    """Show the numbers of both models, then their samples, paths and maps side by side."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        autoencoder = related_models.pick_of_kind("autoencoder", explorer, "Autoencoder")
        if autoencoder is None:
            return
        seed = choose_seed(width=160)
    vae = related_models.matching_vae(autoencoder)
    if vae is None:
        st.info(
            "There is no VAE of the same images, architecture and latent size to compare with.",
            icon=":material/info:",
        )
        return
    models = {"VAE": vae, "Autoencoder": autoencoder}
    st.markdown(table(HEADS, (_cells(name, model) for name, model in models.items())))
    st.caption("In percent: decoded images that a classifier of real images recognises.")
    titles = "VAE: codes pay for leaving the prior", "Autoencoder: codes are free"
    columns = st.columns(2, gap="large")
    for column, title, model in zip(columns, titles, models.values(), strict=True):
        with column:
            _show_pictures(title, model, seed)
    with st.expander("What is compared?"):
        st.markdown(
            "Both models have the same network and were trained on the same images. A classifier "
            "of real images **recognises** an image if it gives one class a probability of at "
            "least 0.9. **Reconstructions** are decoded codes of test images, the best that the "
            "decoder can reach. **Prior**: codes drawn from the standard normal distribution. The "
            "autoencoder was not trained with it, so its codes lie elsewhere. **Fitted**: codes "
            "from a normal distribution with the mean and covariance of the model's own test "
            "codes, which corrects for that. **Middles**: half-way between the codes of two test "
            "images. The autoencoder's images are sharper, because its codes cost nothing. But it "
            "was not trained to decode the space around and between its codes."
        )


def _cells(name: str, explorer: "Explorer") -> list[str]:
    """Return the distortion, and the shares that the classifier recognises."""
    found = _measure(explorer, related_models.eval_classifier_for(explorer))
    shares = found.reconstructions, found.prior, found.samples, found.middles
    return [
        f"**{name}**",
        f"{explorer.run.results.test_distortion:.1f} nats",
        *(f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" for share in shares),
    ]


def _show_pictures(title: str, explorer: "Explorer", seed: int) -> None:
    """Show the samples, the paths and the map of one model."""
    st.markdown(f"**{title}**")
    st.caption("Prior: codes drawn from the standard normal distribution")
    st.image(_samples(explorer, seed, fitted=False), alt="Prior samples")
    st.caption("Fitted: codes drawn from a normal distribution like that of the codes")
    st.image(_samples(explorer, seed, fitted=True), alt="Fitted samples")
    st.caption("Straight paths between the codes of two test images")
    st.image(_paths(explorer, seed), alt="Paths")
    show_figure(_codes_figure(explorer), key=f"codes-{explorer.run.identity[:12]}")


@st.cache_data(max_entries=20, show_spinner="Classifying images …", hash_funcs=BY_RUN)
def _measure(explorer: "Explorer", classifier: "EvalClassifier") -> "PriorCoverage":
    from vae.analysis.prior_coverage import measure_prior_coverage

    return measure_prior_coverage(explorer, classifier, count=1000)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=BY_RUN)
def _codes_figure(explorer: "Explorer") -> "go.Figure":
    from vae.charts.kinds import codes_by_class
    from vae.explorer.latent.projection import overview_plane

    atlas, run = explorer.atlas, explorer.run
    plane = overview_plane(atlas.mean)
    points = plane.project(atlas.mean)
    return codes_by_class(points[:3000], atlas.label[:3000], run.class_names, plane.labels)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _samples(explorer: "Explorer", seed: int, fitted: bool) -> np.ndarray:
    from vae.analysis.prior_coverage import fitted_samples

    if fitted:
        return tile(explorer.decode(fitted_samples(explorer, SAMPLES, seed)), STEPS, TILE)
    return tile(explorer.sample(SAMPLES, seed), STEPS, TILE)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _paths(explorer: "Explorer", seed: int) -> np.ndarray:
    # The labels are those of the test split, so both models go between the same images.
    generator = np.random.default_rng(seed)
    pairs = [_two_classes(explorer.atlas.label, generator) for _ in range(PAIRS)]
    codes = explorer.atlas.mean
    paths = [explorer.interpolate(codes[a], codes[b], STEPS) for a, b in pairs]
    return tile(np.concatenate(paths), STEPS, TILE)


def _two_classes(labels: np.ndarray, generator: np.random.Generator) -> tuple[int, int]:
    """Return two random test images, of different classes if there are several."""
    first = int(generator.integers(len(labels)))
    others = np.flatnonzero(labels != labels[first])
    return first, int(generator.choice(others if len(others) else len(labels)))
