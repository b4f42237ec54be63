"""Scores how well the codes of a model, its pixels and PCA predict the class of an image."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import command_path, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.markdown import error_text, table, without_paths
from vae.core.dataset_name import base_name
from vae.core.errors import DataError

if TYPE_CHECKING:
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


def show_model(explorer: "Explorer", family: "LatentSizes | None") -> None:
    """Show the scores of the chosen model as a table."""
    from vae.analysis.representation import check_classes

    try:
        check_classes(explorer.atlas.label)
    except DataError as error:
        st.info(f"There is nothing to predict here: {error_text(error)}.", icon=":material/info:")
        return
    found = _measure(explorer, family)
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


def _measure(explorer: "Explorer", family: "LatentSizes | None") -> "Representation":
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
