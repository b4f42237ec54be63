"""Likelihoods: shows the same images under each likelihood of a pixel given its code."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import catalogue, open_explorer, read_images
from pages.ui import related_models
from pages.ui.markdown import table
from pages.ui.widgets import choose_seed
from pages.views.kinds.sample_images import sample_images
from vae.charts.images import tile
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.likelihoods import LikelihoodScores
    from vae.explorer import Explorer

SHOWN, TILE, MEASURED = 6, 56, 500
HEADS = ("model", "−log p(x∣z)", "rate (nats)", "bits / dim", "PSNR (dB)", "features", "recognised")


def show(explorer: "Explorer") -> None:
    """Show reconstructions and samples of each model, then the numbers that can be compared."""
    models = models_to_compare(explorer)
    if not models:
        st.info(
            "No two models of the same images, architecture and latent size differ in their "
            "likelihood. Train another under **Train**, More settings, or with "
            "`vae train --likelihood logistic`.",
            icon=":material/info:",
        )
        return
    _show_pictures(models)
    _show_numbers(models)
    with st.expander("Which of these numbers can be compared?"):
        st.markdown(EXPLANATION)


def models_to_compare(explorer: "Explorer") -> "list[Explorer]":
    """Return the models that differ in likelihood and loss alone, ordered by likelihood."""
    from vae.analysis.likelihoods import comparable
    from vae.core.config import LIKELIHOODS

    order = list(LIKELIHOODS)
    runs = comparable(catalogue().runs, explorer.run)
    runs.sort(key=lambda run: (run.train.perceptual, order.index(run.model.likelihood)))
    return [open_explorer(run) for run in runs]


def _show_pictures(models: "list[Explorer]") -> None:
    """Show test images, and below them the reconstructions and samples of each model."""
    row = _row()
    with row[0]:
        seed = choose_seed(help="Chooses the images and the samples.")
    images, labels = sample_images(models[0], SHOWN, seed)
    row[1].image(tile(images, SHOWN, TILE), alt="Test images")
    row[2].caption("Left: test images and their reconstructions. Right: samples from the prior.")
    for model in models:
        row = _row()
        epochs = f"{model.run.results.epochs_trained:.3g} epochs"
        row[0].markdown(f"**{title(model)}**  \n:gray[{scale_of(model)} · {epochs}]")
        row[1].image(_reconstructions(model, images, labels), alt="Reconstructions")
        row[2].image(_samples(model, seed), alt="Samples")
    if not read_images(models[0]):
        st.caption("The data set is not on this machine: the images are reconstructions.")


def title(model: "Explorer") -> str:
    """Return the name of the likelihood, and of the perceptual loss if it was used."""
    from vae.core.config import LIKELIHOODS

    name = LIKELIHOODS[model.run.model.likelihood]
    return f"{name} + perceptual" if model.run.train.perceptual else name


def scale_of(model: "Explorer") -> str:
    """Return the scale of the likelihood as a text, in units of the range of pixels."""
    scales = model.likelihood_scales
    if not scales:
        return "no scale"
    learned = "learned" if model.run.model.likelihood != "gaussian" else "set"
    symbol = "s" if model.run.model.likelihood == "logistic" else "σ"
    return f"{symbol} = {', '.join(f'{s:.3g}' for s in scales)}, {learned}"


def _show_numbers(models: "list[Explorer]") -> None:
    """Show the numbers of each model; without the data set, those in the checkpoint."""
    classifier = _find_classifier(models[0])
    st.markdown(
        table(HEADS, ([f"**{title(each)}**", *_cells(each, classifier)] for each in models))
    )
    st.caption(
        "Values of −log p(x∣z) have different units and can **not** be compared. The other columns "
        "can. Bits per dimension is an upper bound, for pixels of 256 levels. Features is the "
        "relative squared distance between an image and its reconstruction, in the features of a "
        "classifier of real images. Recognised is the share of samples of whose class that "
        f"classifier is sure. {MEASURED} test images; `vae likelihoods` prints these numbers."
    )


def _cells(model: "Explorer", classifier: "EvalClassifier | None") -> list[str]:
    from vae.analysis.likelihoods import distortion_unit

    results = model.run.results
    if read_images(model) is None:
        own = f"{results.test_distortion:.1f} {distortion_unit(model.run)}"
        return [own, f"{results.test_rate:.1f}", "–", "–", "–", "–"]
    found = _measure(model, classifier)
    return [
        f"{found.distortion:.1f} {found.unit}",
        f"{found.rate:.1f}",
        _format(found.bits_per_dimension, ".3f"),
        _format(found.psnr, ".1f"),
        _format(found.feature_distance, ".3f"),
        _format(found.recognised, ".0%"),
    ]


def _format(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _find_classifier(model: "Explorer") -> "EvalClassifier | None":
    """Return the classifier, or None, because some numbers need no classifier."""
    try:
        return related_models.eval_classifier_for(model)
    except CheckpointError:
        return None


def _row() -> "list[DeltaGenerator]":
    return st.columns([0.8, 1.4, 1.4], vertical_alignment="center")


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs=BY_RUN)
def _reconstructions(model: "Explorer", images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return tile(model.reconstruct(images, labels), SHOWN, TILE)


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs=BY_RUN)
def _samples(model: "Explorer", seed: int) -> np.ndarray:
    return tile(model.sample(SHOWN, seed), SHOWN, TILE)


@st.cache_data(max_entries=20, show_spinner="Measuring …", hash_funcs=BY_RUN)
def _measure(model: "Explorer", classifier: "EvalClassifier | None") -> "LikelihoodScores":
    from vae.analysis.likelihoods import measure_likelihood

    images, labels = sample_images(model, MEASURED, 0)
    return measure_likelihood(model, images, labels, classifier)


EXPLANATION = r"""
A likelihood $p(x|z)$ says how much each error of a reconstruction costs, in nats.

- **Bernoulli**: each pixel is a coin. For grey values this is a cross-entropy, not a probability:
  even a perfect reconstruction costs the entropy of the image.
- **Gaussian**: squared error over $2\sigma^2$. It is a *density*, which has no upper bound. So the
  distortion can be negative, and a change of units changes it. A fixed $\sigma$ sets the error
  that is worth one nat of rate, as $\beta = 1/\sigma^2$ does. With $\sigma = 1$, the plain squared
  error, most details of an image are not worth their rate, and reconstructions are blurred.
- **Learned** $\sigma$ (Rybkin et al. 2021): its best value is the root of the mean squared error,
  so the balance follows from the data.
- **Discretised logistic** (Kingma et al. 2016, Salimans et al. 2017): each pixel is one of the 256
  levels that it is stored as. So $-\mathrm{ELBO} / (D \ln 2)$ is an upper bound on the **bits per
  dimension** that a code for the images needs. We report the same for the Gaussians, with the
  probability of the interval of each level. The lowest and the highest level get the tails, which
  favours wide distributions if most pixels are black or white.
- **Perceptual** (Johnson et al. 2016, Hou et al. 2017): beside the likelihood, training reduces the
  distance between image and reconstruction in the features of a classifier of such images. It is
  no part of the ELBO. To see its effect, compare models that were trained for the same number of
  epochs.
"""
