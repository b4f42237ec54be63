"""Few labels: shows the errors of every method, and the guesses of one model."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.caches import BY_RUN
from pages.state.models import open_gallery
from pages.ui import related_models
from pages.ui.image_picker import note_missing
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one, choose_seed, show_figure
from pages.views.few_labels import findings
from vae.charts.images import enlarge, tile

if TYPE_CHECKING:
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery
    from vae.runs.run import Run

SHOWN, TILE = 10, 56
GUESSES, LABELLED, SAMPLES = "Guesses", "Labelled images", "Samples"


def show(explorer: "Explorer") -> None:
    """Show the errors of every method on the left, and the guesses of one model on the right."""
    left, right = st.columns([1, 1.15], gap="large")
    with right:
        model = related_models.pick_of_kind("semi-supervised", explorer, "Semi-supervised model")
        if model is not None:
            _show_model(model)
    with left:
        _show_errors((model or explorer).run.train.dataset)
    with st.expander("How can it learn from images without labels?"):
        _explain()


def _show_errors(dataset: str) -> None:
    """Show the stored outcome as a chart and as a sentence."""
    from vae.analysis.few_labels import PUBLISHED, FewLabels, verdict
    from vae.charts.few_labels import error_dots

    outcome = findings.load_finding("few-labels", dataset)
    if outcome is None:
        return
    found = FewLabels.from_dict(outcome.found)
    is_published = dataset == "mnist" and found.labels == 100
    errors = {name: replicates.values for name, replicates in found.errors.items()}
    show_figure(error_dots(errors, PUBLISHED if is_published else {}), key="few-labels")
    st.markdown(f"**{escaped(verdict(found), 500)}**")
    if is_published:
        st.caption(
            "Published (Kingma et al. 2014, table 1): M2 11.97 %, M1+M2 3.33 %. Ours were trained "
            f"for {found.code_epochs} epochs (M1+M2)"
            + (f" and {found.epochs:g} (M2)" if found.epochs else "")
            + ", on one thread of a CPU."
        )
    findings.show_origin(outcome)


def _show_model(model: "Explorer") -> None:
    """Show one view of a model: its guesses, its labelled images or its samples."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = choose_one("This model", [GUESSES, LABELLED, SAMPLES], "few-labels-view")
        seed = choose_seed(width=120, disabled=view == LABELLED)
    if view == GUESSES:
        _show_guesses(model, seed)
    elif view == LABELLED:
        _show_labelled(model)
    else:
        st.image(_samples(model, seed), alt="Samples")
        st.caption("Each row is one draw from the prior, decoded as every class.")


def _show_guesses(model: "Explorer", seed: int) -> None:
    """Show test images with their most probable labels, and the share of correct labels."""
    from vae.charts.few_labels import guess_map

    gallery = open_gallery(model)
    shown = min(SHOWN, len(gallery.labels))
    indices = np.random.default_rng(seed).choice(len(gallery.labels), shown, replace=False)
    images = gallery.images(indices)
    probabilities, names = model.classify(images), gallery.class_names
    columns = [column for _ in range(2) for column in st.columns(SHOWN // 2, gap="small")]
    guessed = zip(columns, images, probabilities, indices, strict=False)
    for column, image, row, index in guessed:
        guess = int(row.argmax())
        column.image(enlarge(image, TILE), width=TILE, alt=names[guess], output_format="PNG")
        mark = "" if guess == gallery.labels[index] else f", not {escaped(gallery.name_of(index))}"
        column.caption(f"**{escaped(names[guess])}**{mark}")
    show_figure(guess_map(names, probabilities.tolist()), key="guesses")
    st.caption(
        f"q(y|x) of the images above, row by row. The model guesses {_accuracy(gallery):.1%} of "
        f"{len(gallery.labels):,} test images correctly."
    )
    note_missing(model, gallery)


def _show_labelled(model: "Explorer") -> None:
    """Show the training images whose labels the model was given."""
    pictures = _labelled(model.run)
    count, title = model.run.train.labelled, model.run.train.dataset
    if not count:
        st.caption("This model was given the labels of all training images.")
    elif pictures is None:
        st.caption(f"The training images of {escaped(title)} are not on this machine.")
    else:
        st.image(pictures, alt="Labelled images")
        st.caption(
            f"The {count} training images whose labels the model was given, by class: choice "
            f"{model.run.train.seed}. It was given all other training images without a label."
        )


def _explain() -> None:
    """Explain the bound and the two models of the paper."""
    st.markdown(
        "M2 (Kingma, Rezende, Mohamed and Welling 2014) is a conditional VAE with a classifier "
        r"$q(y|x)$ beside it. An image with a label $y$ costs $-\mathcal{L}(x, y)$, the usual "
        r"bound. For an image without a label, every label is tried: $\sum_y q(y|x)\,"
        r"(-\mathcal{L}(x, y)) - H(q(y|x))$. The classifier learns to choose the label under which "
        "the image is cheapest to describe. That works only if the decoder needs the label. With "
        "cheap codes the decoder does not need it, and the classifier forms groups of its own. A "
        "high β makes the decoder need it. **M1** is a VAE that was trained without labels, and "
        "**M1+M2** is M2 on its codes. A **choice** of labelled images holds the same number of "
        "each class, and every method gets the same images."
    )


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs=BY_RUN)
def _accuracy(gallery: "Gallery") -> float:
    """Return the share of test images whose label the gallery's model guesses correctly."""
    images = gallery.images(np.arange(len(gallery.labels)))
    guesses = gallery.explorer.classify(images).argmax(axis=1)
    return float((guesses == gallery.labels).mean())


@st.cache_data(max_entries=8, show_spinner="Reading the training images …", hash_funcs=BY_RUN)
def _labelled(run: "Run") -> np.ndarray | None:
    from vae.analysis.few_labels import labelled_images

    found = labelled_images(run)
    return None if found is None else tile(found[0] / np.float32(255), 20, 28)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=BY_RUN)
def _samples(model: "Explorer", seed: int) -> np.ndarray:
    """Return draws from the prior, a row each, decoded as every class."""
    from vae.analysis.conditioning import generate

    labels = list(range(len(model.run.class_names)))
    codes = np.random.default_rng(seed).standard_normal((5, model.latent_dim))
    rows = generate(model, labels, codes.astype(np.float32)).swapaxes(0, 1)
    return tile(rows.reshape(-1, *rows.shape[2:]), len(labels), TILE)
