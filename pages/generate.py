"""Generate: images that the model makes up, how good they are, and what a better prior buys."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import command_path
from pages.ui import related_models
from pages.ui.layout import handle_errors, open_page
from pages.ui.markdown import error_text, escaped
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one
from vae.charts.images import tile

if TYPE_CHECKING:
    from vae.analysis.eval_classifier import EvalClassifier
    from vae.analysis.generation import Generation, GenerationInputs, SampleQuality
    from vae.analysis.mixture import Mixture
    from vae.explorer import Explorer

PRIOR, MIXTURE = "Prior", "Mixture"
COLUMNS, ROWS, TILE = 11, 4, 56
COUNT, COMPONENTS = 1000, 20
# Above so many, fitting more than one covariance takes minutes.
MANY_DIMENSIONS = 64
SHARES = ("precision", "recall", "recognised")
NAMES = {
    "prior": "Standard normal prior",
    "mixture": "Fitted mixture",
    "reconstructions": "Reconstructions",
    "real": "Real test images",
}

open_page(
    "Generate",
    "Draw codes and decode them: from the **prior** that training asked for, or from a **mixture** "
    "fitted to the codes that came out.",
)


def show(explorer: "Explorer") -> None:
    """The samples; below them their measures."""
    classifier = classifier_or_note(explorer)
    inputs = gathered(explorer, classifier)
    left, right = st.columns([1, 2.9], gap="large")
    with left:
        source = choose_source(explorer)
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            1.0,
            0.05,
            help="Scales the standard deviation: of the prior, or within the mixture's components. "
            "Lower ones are safer and more alike, higher ones leave what the model was trained on.",
        )
        seed = int(st.number_input("Seed", 0, 10_000, 0, help="The same seed draws the same."))
    with right:
        mixture = fitted(explorer.run.identity, inputs) if source == MIXTURE else None
        st.image(sheet(explorer, mixture, temperature, seed), alt="Samples")
        st.caption(about_samples(explorer, mixture, temperature))
    if classifier is not None:
        show_measures(explorer, classifier, inputs, source, temperature)


def classifier_or_note(explorer: "Explorer") -> "EvalClassifier | None":
    """The classifier that rates the images; said, where there is none."""
    from vae.core.errors import CheckpointError

    try:
        return related_models.eval_classifier_for(explorer)
    except CheckpointError as error:
        st.info(
            f"The samples are not measured: {error_text(error)}.",
            icon=":material/info:",
        )
        return None


def choose_source(explorer: "Explorer") -> str:
    """The standard normal prior, or the mixture."""
    words = "Drawn from" if explorer.run.model.has_rate else "Drawn from (it has no prior)"
    return choose_one(words, [PRIOR, MIXTURE], "drawn-from")


def sheet(
    explorer: "Explorer", mixture: "Mixture | None", temperature: float, seed: int
) -> np.ndarray:
    """Samples of the prior, or of a mixture, side by side."""
    from vae.analysis.generation import draw_prior

    count = COLUMNS * ROWS
    if mixture is not None:
        return tile(explorer.decode(mixture.sample(count, seed, temperature)), COLUMNS, TILE)
    return tile(explorer.decode(draw_prior(explorer, count, temperature, seed)), COLUMNS, TILE)


def about_samples(explorer: "Explorer", mixture: "Mixture | None", temperature: float) -> str:
    """What they were drawn from."""
    latent, words = explorer.latent_dim, ""
    if explorer.label is not None:
        name = escaped(explorer.run.class_names[explorer.label])
        words = f" All decoded as **{name}**; see the sidebar."
    if mixture is not None:
        return (
            f"z is drawn from {len(mixture.weights)} normal distributions in {latent} dimensions, "
            f"fitted to codes; within them the standard deviation is scaled by "
            f"{temperature:.2f}.{words}"
        )
    if explorer.run.model.kind == "vq":
        return "At each place a vector of the codebook is drawn, and all of them are decoded."
    return (
        f"z is drawn from Normal(0, {temperature:.2f}²) in {latent} dimensions, so |z| is about "
        f"{np.sqrt(latent) * temperature:.1f}; then decoded.{words}"
    )


def show_measures(
    explorer: "Explorer",
    classifier: "EvalClassifier",
    inputs: "GenerationInputs",
    source: str,
    temperature: float,
) -> None:
    """The four sets as a table; the chosen prior over temperatures."""
    from vae.charts.generation import temperature_curves

    names = explorer.run.identity, classifier.run.identity
    mixture = fitted(explorer.run.identity, inputs)
    found = measured(*names, explorer, classifier, inputs, mixture)
    table, curves = st.columns([1.35, 1], gap="large")
    with table:
        st.markdown(as_table(found))
        st.caption(about_measures(explorer, classifier, found))
    with curves:
        swept = over_temperatures(*names, source, explorer, classifier, inputs, mixture)
        shares = {name: [getattr(q, name) for q in swept.values()] for name in SHARES}
        figure = temperature_curves(list(swept), shares, temperature)
        st.plotly_chart(figure, key="temperatures", config={"displayModeBar": False})


def as_table(found: "Generation") -> str:
    """The measures as Markdown."""
    lines = [
        "| at temperature 1 | precision | recall | Fréchet | recognised |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, quality in found.rows().items():
        lines.append(
            f"| {NAMES[name]} | {quality.precision:.1%} | {quality.recall:.1%} "
            f"| {quality.frechet:.3g} | {quality.recognised:.1%} |"
        )
    return "\n".join(lines)


def about_measures(explorer: "Explorer", classifier: "EvalClassifier", found: "Generation") -> str:
    """What was measured, and the command that prints it."""
    against = (
        f"{found.count:,} {found.reference}"
        if found.real
        else f"{found.count:,} reconstructions (the data set is not on this machine)"
    )
    buys = (
        f"The mixture describes the codes of held-out images better by **{found.gain:.2f} nats** "
        "each, and so adds that to their ELBO. "
        if explorer.run.model.is_gaussian
        else ""
    )
    labels = " Here each code gets the label of some image." if explorer.label is not None else ""
    return (
        f"{buys}{found.count:,} images of each sort against {against}, in the features of "
        f"{escaped(classifier.run.name)}; the Fréchet distance is no FID.{labels} `vae generation "
        f"{command_path(explorer.run)}` measures more images, and chooses the number of components."
    )


def gathered(explorer: "Explorer", classifier: "EvalClassifier | None") -> "GenerationInputs":
    """What the measures are made of; from the atlas alone where nothing is to be measured."""
    return _gathered(explorer.run.identity, classifier is not None, explorer)


@st.cache_resource(max_entries=4, show_spinner="Encoding images …")
def _gathered(identity: str, with_images: bool, _explorer: "Explorer") -> "GenerationInputs":
    from vae.analysis.generation import gather_inputs, read_real_images

    real = read_real_images(_explorer.run, COUNT) if with_images else None
    return gather_inputs(_explorer, real, COUNT)


@st.cache_resource(max_entries=20, show_spinner="Fitting a mixture to the codes …")
def fitted(identity: str, _inputs: "GenerationInputs") -> "Mixture":
    """The mixture of a model's codes."""
    from vae.analysis.generation import fit_prior

    is_wide = _inputs.fitted.shape[1] > MANY_DIMENSIONS
    return fit_prior(_inputs, 1 if is_wide else COMPONENTS)


@st.cache_data(max_entries=20, show_spinner="Asking the classifier …")
def measured(
    identity: str, classifier_identity: str, _explorer, _classifier, _inputs, _mixture
) -> "Generation":
    """All sets at temperature 1."""
    from vae.analysis.generation import measure_generation

    return measure_generation(_explorer, _classifier, _inputs, _mixture)


@st.cache_data(max_entries=20, show_spinner="Asking the classifier at other temperatures …")
def over_temperatures(
    identity: str, classifier_identity: str, source: str, _explorer, _classifier, _inputs, _mixture
) -> "dict[float, SampleQuality]":
    """The chosen prior over temperatures."""
    from vae.analysis.generation import sweep_temperature

    chosen = _mixture if source == MIXTURE else None
    return sweep_temperature(_explorer, _classifier, _inputs, chosen)


explorer = pick_explorer()
with handle_errors():
    show(explorer)

with st.expander("What do these numbers say?"):
    st.markdown(
        r"""
- **Why another prior?** Training asks the codes of all images together, the aggregate posterior
  $q(z)=\frac1N\sum_n q(z|x_n)$, to look like the standard normal, and they never quite do: where
  $p(z)$ is high and $q(z)$ is low, the decoder was never asked for anything. A Gaussian mixture
  with full covariances is fitted to draws from $q(z)$, of training images (Ghosh et al. 2020). On
  held-out images $\mathbb{E}[\log p_\text{mixture}(z)-\log p(z)]$ is what it adds to the ELBO. An
  autoencoder has no prior at all: its standard normal is only a place to look, the mixture is its
  one way to generate.
- **Precision** is the share of generated images that lie where reference images do, **recall** the
  share of reference images that lie where generated ones do: within the balls that reach to the
  third nearest neighbour, in the features of our own classifier (Kynkäänniemi et al. 2019).
- **Fréchet** is $|m_1-m_2|^2+\mathrm{tr}(C_1+C_2-2(C_1C_2)^{1/2})$ between normal distributions
  fitted to those features: Heusel et al. 2017's formula. In other features, or of other numbers of
  images, it is another number: it is no FID. Lower is better.
- **Recognised**: the classifier gives one class a probability of at least 0.9.
- Real test images are what the best there is comes to. Reconstructions can beat their precision:
  they are smoother than real images, and nearer to the middle of them.
"""
    )
