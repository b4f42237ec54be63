"""What codes know: tests how well codes, pixels and PCA predict the class of an image."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import command_path, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page, show_error
from pages.ui.markdown import error_text, escaped, in_code, table, without_paths
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import show_figure
from vae.core.dataset_name import base_name
from vae.core.errors import CheckpointError, DataError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.analysis.latent_sizes import LatentSizes
    from vae.analysis.representation import FeatureScores, FittedSplit, Representation
    from vae.explorer import Explorer
    from vae.runs.run import Run

HEADS = (
    "features",
    "numbers",
    "5 nearest neighbours",
    "linear probe",
    "k-means: ARI",
    "k-means: NMI",
)

open_page(
    "What codes know",
    "How well does the **code** of an image predict its class, compared with its **pixels** and "
    "with the same number of **PCA** components?",
)


def read_family() -> "LatentSizes | None":
    """Return the measured models of several latent sizes, if they lie beside the checkpoints."""
    from vae.analysis.findings import read_finding
    from vae.analysis.latent_sizes import FILE, LatentSizes
    from vae.runs.folders import shown_file

    try:
        return read_finding(shown_file(FILE), LatentSizes)
    except CheckpointError as error:
        show_error(error)
        return None


def show_model(explorer: "Explorer", family: "LatentSizes | None") -> None:
    """Show the scores of the chosen model as a table."""
    from vae.analysis.representation import check_classes

    try:
        check_classes(explorer.atlas.label)
    except DataError as error:
        st.info(f"There is nothing to predict here: {error_text(error)}.", icon=":material/info:")
        return
    found = measure(explorer, family)
    features = {
        "**Codes** (posterior means)": found.codes,
        "PCA": found.pca,
        "Pixels": found.pixels,
    }
    st.markdown(table(HEADS, (_cells(name, each) for name, each in features.items() if each)))
    guess = f"Always guessing the most frequent class scores {found.commonest_label:.1%}."
    if found.note:
        note_missing(explorer, open_gallery(explorer))
        st.caption(
            f"So these are fitted on {found.fitted:,} of the test images' codes and scored on the "
            f"other {found.tested:,}. Pixels and PCA need the data set. {guess}"
        )
        return
    st.caption(
        f"Fitted on {found.fitted:,} training images, scored on {found.tested:,} test images. ± is "
        "half of a 95 % interval over resampled test images. For the clusters it is half of the "
        f"range over three seeds. {guess} `vae representation {command_path(explorer.run)}` prints "
        "these numbers."
    )


def measure(explorer: "Explorer", family: "LatentSizes | None") -> "Representation":
    """Return the scores of the codes, and those of pixels and PCA if the data set is here."""
    run = explorer.run
    dataset, shape = base_name(run.train.dataset), run.model.image_shape
    try:
        split = _split(dataset, shape, run)
    except DataError as error:
        return _measure_codes(explorer, without_paths(error))
    if family and (family.dataset, family.fitted) == (dataset, len(split.fitted.labels)):
        pixels = family.pixels
    else:
        pixels = _measure_pixels(dataset, shape, split)
    return _measure_all(explorer, split, pixels)


def _cells(name: str, scores: "FeatureScores") -> list[str]:
    return [
        name,
        str(scores.dimensions),
        _percent(scores.knn_accuracy, scores.knn_interval),
        _percent(scores.probe_accuracy, scores.probe_interval),
        _mean_and_range(scores.ari),
        _mean_and_range(scores.nmi),
    ]


def _percent(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} ± {50 * (interval[1] - interval[0]):.1f} %"


def _mean_and_range(values: tuple[float, ...]) -> str:
    return f"{sum(values) / len(values):.2f} ± {(max(values) - min(values)) / 2:.2f}"


def show_family(explorer: "Explorer", family: "LatentSizes") -> None:
    """Show the gain and the cost of a larger code."""
    from vae.data.registry import dataset_title

    title = dataset_title(family.dataset)
    has_same_data = base_name(explorer.run.train.dataset) == family.dataset
    st.markdown(f"## How large should a code be? {escaped(title)}, {escaped(family.architecture)}")
    figure = _family_figure(family, explorer.latent_dim if has_same_data else None)
    show_figure(figure, key="latent-sizes")
    seeds = len({model.seed for model in family.models})
    st.caption(
        f"{len(family.models)} models, {seeds} seeds for each size, {family.epochs} epochs at "
        f"β {family.beta:g}; a line connects the medians. "
        + ("The vertical line is the chosen model's size. " if has_same_data else "")
        + f"Measured on {escaped(family.created[:10])} by {in_code(family.command)}."
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def _family_figure(family: "LatentSizes", selected: int | None) -> "go.Figure":
    # Drawing this figure takes half of the page's time.
    from vae.analysis.latent_sizes import measures
    from vae.charts.representation import MeasurePanel, latent_size_panels

    panels = [MeasurePanel(*values) for values in measures(family)]
    return latent_size_panels(family.sizes, panels, selected)


@st.cache_resource(max_entries=1, show_spinner="Reading the training images …")
def _split(dataset: str, image_shape: tuple[int, int, int], _run: "Run") -> "FittedSplit":
    # All models of a data set share one split.
    from vae.analysis.representation import FittedSplit

    return FittedSplit.from_run(_run)


@st.cache_data(max_entries=20, show_spinner="Fitting on the pixels …")
def _measure_pixels(
    dataset: str, image_shape: tuple[int, int, int], _split: "FittedSplit"
) -> "FeatureScores":
    return _split.pixel_scores()


@st.cache_data(max_entries=100, show_spinner="Fitting on the codes …", hash_funcs=BY_RUN)
def _measure_all(
    explorer: "Explorer", _split: "FittedSplit", _pixels: "FeatureScores"
) -> "Representation":
    from vae.analysis.representation import measure_representation

    return measure_representation(explorer, _split, _pixels)


@st.cache_data(max_entries=100, show_spinner="Fitting on the codes …", hash_funcs=BY_RUN)
def _measure_codes(explorer: "Explorer", note: str) -> "Representation":
    from vae.analysis.representation import measure_codes_alone

    return measure_codes_alone(explorer, note)


explorer = pick_explorer()
with handle_errors():
    family = read_family()
    # The family shows at once, and the scores of the chosen model take a moment.
    above = st.container()
    if family is None:
        st.info(
            "No models of several latent sizes have been measured here. `vae latent-sizes --out "
            "checkpoints/latent-sizes.json` trains and measures them.",
            icon=":material/info:",
        )
    else:
        show_family(explorer, family)
    with above:
        show_model(explorer, family)

with st.expander("What is measured?"):
    st.markdown(
        "**5 nearest neighbours** vote by Euclidean distance in the plain features (Cover and Hart "
        "1967). The **linear probe** is multinomial logistic regression on standardised features. "
        "Its penalty is chosen on a fifth of the fitted images (Alain and Bengio 2016). "
        "**k-means** finds a cluster for each class without labels. The **adjusted Rand index** "
        r"$\mathrm{ARI}=\frac{R-\mathbb{E}R}{\max R-\mathbb{E}R}$ "
        "counts the pairs of images on which clusters and classes agree, minus the agreement by "
        "chance (Hubert and Arabie 1985). "
        r"$\mathrm{NMI}=\frac{2\,I(C;Y)}{H(C)+H(Y)}$ "
        "is the shared information.\n\n"
        "A larger code holds more information: the rate rises and the distortion falls. From some "
        "size on, further dimensions stay unused, so the number of active units levels off. "
        "Nearest neighbours gain from every informative dimension. A code of two dimensions must "
        "bend the classes around each other, and a linear probe cannot follow the bends."
    )
