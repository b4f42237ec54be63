"""What codes know: neighbours, a linear probe and clusters on codes, pixels and PCA."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import command_path, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page, show_error
from pages.ui.markdown import error_text, escaped, in_code, without_paths
from pages.ui.model_picker import pick_explorer
from vae.core.dataset_name import base_name
from vae.core.errors import CheckpointError, DataError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vae.analysis.latent_sizes import LatentSizes
    from vae.analysis.representation import FeatureScores, FittedSplit, Representation
    from vae.explorer import Explorer

open_page(
    "What codes know",
    "How much of an image's class can be read off its **code**, beside its raw **pixels** and as "
    "many numbers of **PCA**?",
)


def read_family() -> "LatentSizes | None":
    """The models of several latent sizes that stand beside the checkpoints, if they do."""
    from vae.analysis.findings import read_finding
    from vae.analysis.latent_sizes import FILE, LatentSizes
    from vae.runs.folders import shown_file

    try:
        return read_finding(shown_file(FILE), LatentSizes)
    except CheckpointError as error:
        show_error(error)
        return None


def show_model(explorer: "Explorer", family: "LatentSizes | None") -> None:
    """The chosen model's scores as a table."""
    from vae.analysis.representation import check_classes

    try:
        check_classes(explorer.atlas.label)
    except DataError as error:
        st.info(
            f"This model's images leave nothing to ask: {error_text(error)}.",
            icon=":material/info:",
        )
        return
    found = measured(explorer, family)
    st.markdown(table(found))
    if found.note:
        note_missing(explorer, open_gallery(explorer))
        st.caption(
            f"So these are fitted on {found.fitted:,} of the test images' codes and scored on the "
            f"other {found.tested:,}; pixels and PCA need the data set. "
            f"Guessing the commonest class scores {found.commonest_label:.1%}."
        )
        return
    st.caption(
        f"Fitted on {found.fitted:,} training images, scored on {found.tested:,} test images; "
        "± is the half of a 95 % interval over resampled test images, of the clusters the half of "
        "the range over three seeds. Guessing the commonest class scores "
        f"{found.commonest_label:.1%}. `vae representation {command_path(explorer.run)}` prints "
        "these."
    )


def measured(explorer: "Explorer", family: "LatentSizes | None") -> "Representation":
    """The scores, beside pixels and PCA where the data set is here."""
    run = explorer.run
    dataset = base_name(run.train.dataset)
    try:
        drawn = _drawn(dataset, run.model.image_shape, run)
    except DataError as error:
        return _of_codes_alone(run.identity, without_paths(error), explorer)
    known = family is not None and family.dataset == dataset
    if family is not None and known and family.fitted == len(drawn.fitted.labels):
        pixels = family.pixels
    else:
        pixels = _of_pixels(dataset, run.model.image_shape, drawn)
    return _beside(run.identity, explorer, drawn, pixels)


def table(found: "Representation") -> str:
    """A row for each kind of features, as Markdown."""
    rows = {"**Codes** (posterior means)": found.codes, "PCA": found.pca, "Pixels": found.pixels}
    head = (
        "| features | numbers | 5 nearest neighbours | linear probe | k-means: ARI "
        "| k-means: NMI |\n"
        "|---|--:|--:|--:|--:|--:|\n"
    )
    return head + "\n".join(_row(name, quality) for name, quality in rows.items() if quality)


def _row(name: str, quality: "FeatureScores") -> str:
    cells = [
        name,
        str(quality.dimensions),
        _percent(quality.knn_accuracy, quality.knn_interval),
        _percent(quality.probe_accuracy, quality.probe_interval),
        _spread(quality.ari),
        _spread(quality.nmi),
    ]
    return f"| {' | '.join(cells)} |"


def _percent(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} ± {50 * (interval[1] - interval[0]):.1f} %"


def _spread(values: tuple[float, ...]) -> str:
    return f"{sum(values) / len(values):.2f} ± {(max(values) - min(values)) / 2:.2f}"


def show_family(explorer: "Explorer", family: "LatentSizes") -> None:
    """What a larger code buys, and what it costs."""
    from vae.data.registry import dataset_title

    title, run = dataset_title(family.dataset), explorer.run
    alike = base_name(run.train.dataset) == family.dataset
    st.markdown(f"## How large should a code be? {escaped(title)}, {escaped(family.architecture)}")
    figure = _family_figure(family.created, explorer.latent_dim if alike else None, family)
    st.plotly_chart(figure, key="latent-sizes", config={"displayModeBar": False})
    seeds = len({model.seed for model in family.models})
    st.caption(
        f"{len(family.models)} models, {seeds} seeds for each size, {family.epochs} epochs at "
        f"β {family.beta:g}; a line goes through the medians. "
        + ("The upright line is the chosen model's size. " if alike else "")
        + f"Measured on {escaped(family.created[:10])} by {in_code(family.command)}."
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def _family_figure(created: str, chosen: int | None, _family: "LatentSizes") -> "go.Figure":
    """Half of the page's time, were it drawn anew for everybody."""
    from vae.analysis.latent_sizes import measures
    from vae.charts.representation import MeasurePanel, latent_size_panels

    panels = [MeasurePanel(*measure) for measure in measures(_family)]
    return latent_size_panels(_family.sizes, panels, chosen)


@st.cache_resource(max_entries=1, show_spinner="Reading the training images …")
def _drawn(dataset: str, image_shape: tuple[int, int, int], _run) -> "FittedSplit":
    from vae.analysis.representation import FittedSplit

    return FittedSplit.from_run(_run)


@st.cache_data(max_entries=20, show_spinner="Fitting on the pixels …")
def _of_pixels(
    dataset: str, image_shape: tuple[int, int, int], _drawn: "FittedSplit"
) -> "FeatureScores":
    return _drawn.pixel_scores()


@st.cache_data(max_entries=100, show_spinner="Fitting on the codes …")
def _beside(
    identity: str, _explorer: "Explorer", _drawn: "FittedSplit", _pixels: "FeatureScores"
) -> "Representation":
    from vae.analysis.representation import measure_representation

    return measure_representation(_explorer, _drawn, _pixels)


@st.cache_data(max_entries=100, show_spinner="Fitting on the codes …")
def _of_codes_alone(identity: str, note: str, _explorer: "Explorer") -> "Representation":
    from vae.analysis.representation import measure_codes_alone

    return measure_codes_alone(_explorer, note)


explorer = pick_explorer()
with handle_errors():
    family = read_family()
    # The family is there at once; the chosen model's scores take a moment.
    above = st.container()
    if family is None:
        st.info(
            "No family of latent sizes has been measured here: `vae latent-sizes --out "
            "checkpoints/latent-sizes.json` trains and measures one.",
            icon=":material/info:",
        )
    else:
        show_family(explorer, family)
    with above:
        show_model(explorer, family)

with st.expander("What is measured?"):
    st.markdown(
        "**5 nearest neighbours** vote by Euclidean distance, features as they are (Cover and Hart "
        "1967). The **linear probe** is multinomial logistic regression on standardised features, "
        "its penalty chosen on a fifth of the fitted images (Alain and Bengio 2016). **k-means** "
        "finds as many clusters as there are classes, and is told none: the **adjusted Rand "
        "index** "
        r"$\mathrm{ARI}=\frac{R-\mathbb{E}R}{\max R-\mathbb{E}R}$ "
        "counts pairs of images that clusters and classes join or part alike, less what chance "
        "gives (Hubert and Arabie 1985); "
        r"$\mathrm{NMI}=\frac{2\,I(C;Y)}{H(C)+H(Y)}$ "
        "is the share of the information.\n\n"
        "A larger code says more (the rate rises, the distortion falls) until further dimensions "
        "stay unused: active units level off. Neighbours profit from every dimension that tells "
        "something; a code of two must bend the classes round each other, which a straight line "
        "cannot follow."
    )
