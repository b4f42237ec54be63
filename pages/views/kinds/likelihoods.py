"""Likelihoods: the same images under each way of comparing an image with its reconstruction."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import catalogue, open_explorer, read_images
from pages.ui import related_models
from vae.charts.images import tile
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.likelihoods import LikelihoodScores
    from vae.explorer import Explorer

SHOWN, TILE, MEASURED = 6, 56, 500


def show(explorer: "Explorer") -> None:
    """Reconstructions and samples, a row a model; then the numbers that compare."""
    models = models_to_compare(explorer)
    if not models:
        st.info(
            "There are no two models of the same images, architecture and latent size that differ "
            "in their likelihood. Train one more under **Train**, More settings, or with "
            "`vae train --likelihood logistic`.",
            icon=":material/info:",
        )
        return
    show_pictures(models)
    show_numbers(models)
    with st.expander("Which of these numbers compare?"):
        st.markdown(EXPLANATION)


def models_to_compare(explorer: "Explorer") -> "list[Explorer]":
    """Alike but for likelihood and loss, in the order of the likelihoods."""
    from vae.analysis.likelihoods import comparable
    from vae.core.config import LIKELIHOODS

    order = list(LIKELIHOODS)
    runs = comparable(catalogue().runs, explorer.run)
    runs.sort(key=lambda run: (run.train.perceptual, order.index(run.model.likelihood)))
    return [open_explorer(run) for run in runs]


def show_pictures(models: "list[Explorer]") -> None:
    """The test images, and below them what each model makes of them and of nothing."""
    row = _row()
    seed = int(row[0].number_input("Draw", 0, 10_000, 0, help="Which images and samples."))
    images, labels = images_to_show(models[0], SHOWN, seed)
    row[1].image(tile(images, SHOWN, TILE), alt="Test images")
    row[2].caption("Left: test images, and what is left of them. Right: draws from the prior.")
    for model in models:
        row = _row()
        epochs = f"{model.run.results.epochs_trained:.3g} epochs"
        row[0].markdown(f"**{title(model)}**  \n:gray[{scale_of(model)} · {epochs}]")
        identity = model.run.identity
        pictures = _reconstructions(identity, seed, images, labels, model)
        row[1].image(pictures, alt="Reconstructions")
        row[2].image(_samples(identity, seed, model), alt="Samples")
    if not read_images(models[0]):
        st.caption("The data set is not on this machine: the images are reconstructions.")


def title(model: "Explorer") -> str:
    """What the model was trained with."""
    from vae.core.config import LIKELIHOODS

    name = LIKELIHOODS[model.run.model.likelihood]
    return f"{name} + perceptual" if model.run.train.perceptual else name


def scale_of(model: "Explorer") -> str:
    """The likelihood's scale, if it has any, in units of the pixels' range."""
    scales = model.likelihood_scales
    if not scales:
        return "no scale"
    learned = "learned" if model.run.model.likelihood != "gaussian" else "set"
    symbol = "s" if model.run.model.likelihood == "logistic" else "σ"
    return f"{symbol} = {', '.join(f'{s:.3g}' for s in scales)}, {learned}"


def images_to_show(model: "Explorer", count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random test images and their labels; reconstructions where the data set is absent."""
    found, generator = read_images(model), np.random.default_rng(seed)
    if found is None:
        chosen = generator.permutation(len(model.atlas.label))[:count]
        return model.atlas_images(chosen), model.atlas.label[chosen]
    chosen = generator.permutation(len(found.pixels))[:count]
    return found.pixels[chosen].astype(np.float32) / 255, found.labels[chosen]


def show_numbers(models: "list[Explorer]") -> None:
    """A row a model; without the data set, what the checkpoint remembers."""
    classifier = _classifier_if_any(models[0])
    heads = "−log p(x∣z)", "rate (nats)", "bits / dim", "PSNR (dB)", "features", "recognised"
    rows = [f"| model | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    rows += [
        f"| **{title(model)}** | {' | '.join(_cells(model, classifier))} |" for model in models
    ]
    st.markdown("\n".join(rows))
    st.caption(
        "Left of the rate the numbers are of different kinds and do **not** compare; from there on "
        "they do. Bits per dimension: an upper bound, each pixel one of 256 levels. Features: "
        "relative squared distance between an image's features and its reconstruction's, to a "
        "classifier of real images. Recognised: samples of which that classifier is sure. "
        f"{MEASURED} test images; `vae likelihoods` prints these numbers."
    )


def _cells(model: "Explorer", classifier: "EvalClassifier | None") -> list[str]:
    from vae.analysis.likelihoods import distortion_unit

    results = model.run.results
    if read_images(model) is None:
        own = f"{results.test_distortion:.1f} {distortion_unit(model.run)}"
        return [own, f"{results.test_rate:.1f}", "–", "–", "–", "–"]
    classifier_identity = "" if classifier is None else classifier.run.identity
    found = _scores(model.run.identity, classifier_identity, model, classifier)
    return [
        f"{found.distortion:.1f} {found.unit}",
        f"{found.rate:.1f}",
        _number(found.bits_per_dimension, ".3f"),
        _number(found.psnr, ".1f"),
        _number(found.feature_distance, ".3f"),
        _number(found.recognised, ".0%"),
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _classifier_if_any(model: "Explorer") -> "EvalClassifier | None":
    """Some numbers need no classifier, so they are shown without one."""
    try:
        return related_models.eval_classifier_for(model)
    except CheckpointError:
        return None


def _row() -> list:
    return st.columns([0.8, 1.4, 1.4], vertical_alignment="center")


@st.cache_data(max_entries=60, show_spinner=False)
def _reconstructions(
    identity: str, seed: int, _images: np.ndarray, _labels: np.ndarray, _model: "Explorer"
) -> np.ndarray:
    return tile(_model.reconstruct(_images, _labels), SHOWN, TILE)


@st.cache_data(max_entries=60, show_spinner=False)
def _samples(identity: str, seed: int, _model: "Explorer") -> np.ndarray:
    return tile(_model.sample(SHOWN, seed), SHOWN, TILE)


@st.cache_data(max_entries=20, show_spinner="Measuring …")
def _scores(
    identity: str,
    classifier_identity: str,
    _model: "Explorer",
    _classifier: "EvalClassifier | None",
) -> "LikelihoodScores":
    from vae.analysis.likelihoods import measure_likelihood

    images, labels = images_to_show(_model, MEASURED, 0)
    return measure_likelihood(_model, images, labels, _classifier)


EXPLANATION = r"""
A likelihood $p(x|z)$ says what a reconstruction may miss, and at what price in nats.

- **Bernoulli**: each pixel a coin. Of grey values this is a cross-entropy, not a probability: even
  a perfect reconstruction costs the image's own entropy.
- **Gaussian**: squared error over $2\sigma^2$. It is a *density*, which has no upper bound, so the
  distortion can be negative, and a change of units changes it. A fixed $\sigma$ sets how much
  error is worth one nat of rate, as $eta = 1/\sigma^2$ would: with $\sigma = 1$, the plain
  squared error, most of what an image holds is not worth telling, and reconstructions blur.
- **Learned** $\sigma$ (Rybkin et al. 2021): at its best the root of the mean squared error, so that
  the balance follows from the data.
- **Discretised logistic** (Kingma et al. 2016, Salimans et al. 2017): each pixel one of the 256
  levels that it is stored as, so that $-\mathrm{ELBO} / (D \ln 2)$ is an upper bound on the
  **bits per dimension** that a code for the images needs. Of the Gaussians we report the same,
  with the bell's share of each level's interval. The lowest and the highest level get the tails,
  which favours wide bells where most pixels are black or white.
- **Perceptual** (Johnson et al. 2016, Hou et al. 2017): beside the likelihood, the distance
  between image and reconstruction in the features of a classifier of such images. It is no part
  of the ELBO. To see what it buys, compare models that were trained for as many epochs.
"""
