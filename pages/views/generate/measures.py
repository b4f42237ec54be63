"""Measures samples, reconstructions and real images in the features of a classifier."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.markdown import error_text, escaped, table
from pages.ui.widgets import show_figure

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.generation import Generation, GenerationInputs, SampleQuality
    from vae.analysis.mixture import Mixture
    from vae.explorer import Explorer

MIXTURE = "Mixture"
COUNT, COMPONENTS = 1000, 20

MANY_DIMENSIONS = 64
"""Above this number, a mixture of several full covariances takes minutes to fit."""

SHARES = ("precision", "recall", "recognised")
HEADS = ("at temperature 1", "precision", "recall", "Fréchet", "recognised")
NAMES = {
    "prior": "Standard normal prior",
    "mixture": "Fitted mixture",
    "reconstructions": "Reconstructions",
    "real": "Real test images",
}


def find_classifier(explorer: "Explorer") -> "EvalClassifier | None":
    """Return the classifier that rates the images; say so and return None if there is none."""
    from vae.core.errors import CheckpointError

    try:
        return related_models.eval_classifier_for(explorer)
    except CheckpointError as error:
        st.info(f"The samples are not measured: {error_text(error)}.", icon=":material/info:")
        return None


@st.cache_resource(max_entries=4, show_spinner="Encoding images …", hash_funcs=BY_RUN)
def gather(explorer: "Explorer", with_images: bool) -> "GenerationInputs":
    """Return the codes and images to measure; without images, the codes of the checkpoint."""
    from vae.analysis.generation import gather_inputs, read_real_images

    real = read_real_images(explorer.run, COUNT) if with_images else None
    return gather_inputs(explorer, real, COUNT)


@st.cache_resource(
    max_entries=20, show_spinner="Fitting a mixture to the codes …", hash_funcs=BY_RUN
)
def fit_mixture(explorer: "Explorer", _inputs: "GenerationInputs") -> "Mixture":
    """Return the mixture fitted to a model's codes."""
    from vae.analysis.generation import fit_prior

    is_wide = _inputs.fitted.shape[1] > MANY_DIMENSIONS
    return fit_prior(_inputs, 1 if is_wide else COMPONENTS)


def show_measures(
    explorer: "Explorer",
    classifier: "EvalClassifier",
    inputs: "GenerationInputs",
    source: str,
    temperature: float,
) -> None:
    """Show every set of images as a row of a table, and the chosen source over temperatures."""
    from vae.charts.generation import temperature_curves

    mixture = fit_mixture(explorer, inputs)
    found = _measure(explorer, classifier, inputs, mixture)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        rows = ([NAMES[name], *_cells(quality)] for name, quality in found.rows().items())
        st.markdown(table(HEADS, rows))
        st.caption(_caption(explorer, classifier, found))
    with right:
        swept = _over_temperatures(explorer, classifier, source, inputs, mixture)
        shares = {name: [getattr(q, name) for q in swept.values()] for name in SHARES}
        show_figure(temperature_curves(list(swept), shares, temperature), key="temperatures")


def _cells(quality: "SampleQuality") -> list[str]:
    return [
        f"{quality.precision:.1%}",
        f"{quality.recall:.1%}",
        f"{quality.frechet:.3g}",
        f"{quality.recognised:.1%}",
    ]


def _caption(explorer: "Explorer", classifier: "EvalClassifier", found: "Generation") -> str:
    """Return a description of the measured images, with the command that measures more."""
    reference = (
        f"{found.count:,} {found.reference}"
        if found.real
        else f"{found.count:,} reconstructions (the data set is not on this machine)"
    )
    gain = (
        f"The mixture describes the codes of held-out images better by **{found.gain:.2f} nats** "
        "each, which adds to their ELBO. "
        if explorer.run.model.is_gaussian
        else ""
    )
    labels = " Here each code gets the label of some image." if explorer.label is not None else ""
    return (
        f"{gain}Each set of {found.count:,} images is compared with {reference}, in the features "
        f"of {escaped(classifier.run.name)}. The Fréchet distance is no FID.{labels} `vae "
        f"generation {command_path(explorer.run)}` measures more images and chooses the number of "
        "components."
    )


@st.cache_data(max_entries=20, show_spinner="Measuring the samples …", hash_funcs=BY_RUN)
def _measure(
    explorer: "Explorer",
    classifier: "EvalClassifier",
    _inputs: "GenerationInputs",
    _mixture: "Mixture",
) -> "Generation":
    from vae.analysis.generation import measure_generation

    return measure_generation(explorer, classifier, _inputs, _mixture)


@st.cache_data(
    max_entries=20, show_spinner="Measuring samples at other temperatures …", hash_funcs=BY_RUN
)
def _over_temperatures(
    explorer: "Explorer",
    classifier: "EvalClassifier",
    source: str,
    _inputs: "GenerationInputs",
    _mixture: "Mixture",
) -> "dict[float, SampleQuality]":
    """Return the quality of samples from the chosen source, by temperature."""
    from vae.analysis.generation import sweep_temperature

    return sweep_temperature(explorer, classifier, _inputs, _mixture if source == MIXTURE else None)
