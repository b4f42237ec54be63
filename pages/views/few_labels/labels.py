"""Few labels: what they come to with every method, and what a model guesses from them."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import open_gallery
from pages.ui import related_models
from pages.ui.image_picker import note_missing
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from pages.views.few_labels import findings
from vae.charts.images import enlarge, tile

if TYPE_CHECKING:
    from vae.explorer import Explorer

SHOWN, TILE = 10, 56
GUESSES, TOLD, PAINTED = "Guesses", "What it was told", "What it paints"


def show(explorer: "Explorer") -> None:
    """Errors of every method on the left, one model's guesses on the right."""
    left, right = st.columns([1, 1.15], gap="large")
    with right:
        model = related_models.pick_of_kind("semi-supervised", explorer, "Semi-supervised model")
        if model is not None:
            show_model(model)
    with left:
        show_errors((model or explorer).run.train.dataset)
    with st.expander("How can it learn from images without labels?"):
        explain()


def show_errors(dataset: str) -> None:
    """The stored outcome as a chart, and in a sentence."""
    from vae.analysis.few_labels import PUBLISHED, FewLabels, verdict
    from vae.charts.few_labels import error_dots

    outcome = findings.load_finding("few-labels", dataset)
    if outcome is None:
        return
    found = FewLabels.from_dict(outcome.found)
    is_published = dataset == "mnist" and found.labels == 100
    errors = {name: spread.values for name, spread in found.errors.items()}
    figure = error_dots(errors, PUBLISHED if is_published else {})
    st.plotly_chart(figure, key="few-labels", config={"displayModeBar": False})
    st.markdown(f"**{escaped(verdict(found), 500)}**")
    if is_published:
        st.caption(
            "Published (Kingma et al. 2014, table 1): M2 11.97 %, M1+M2 3.33 %. Ours trained for "
            f"{found.code_epochs} epochs (M1+M2)"
            + (f" and {found.epochs:g} (M2)" if found.epochs else "")
            + ", on one thread of a CPU."
        )
    findings.show_origin(outcome)


def show_model(model: "Explorer") -> None:
    """One model: its guesses, its labels, its pictures."""
    views = [GUESSES, TOLD, PAINTED]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = choose_one("This model", views, "few-labels-view")
        seed = int(st.number_input("Draw", 0, 10_000, 0, width=120, disabled=view == TOLD))
    if view == GUESSES:
        show_guesses(model, seed)
    elif view == TOLD:
        show_told(model)
    else:
        show_painted(model, seed)


def show_guesses(model: "Explorer", seed: int) -> None:
    """Test images, each with its most probable label, and the share that is right."""
    from vae.charts.few_labels import guess_map

    gallery = open_gallery(model)
    shown = min(SHOWN, len(gallery.labels))
    chosen = np.random.default_rng(seed).choice(len(gallery.labels), shown, replace=False)
    images = gallery.images(chosen)
    probabilities, names = model.classify(images), gallery.class_names
    places = [column for _ in range(2) for column in st.columns(SHOWN // 2, gap="small")]
    guessed = zip(places, images, probabilities, chosen, strict=False)
    for column, image, row, index in guessed:
        guess = int(row.argmax())
        column.image(enlarge(image, TILE), width=TILE, alt=names[guess], output_format="PNG")
        mark = "" if guess == gallery.labels[index] else f", not {escaped(gallery.name_of(index))}"
        column.caption(f"**{escaped(names[guess])}**{mark}")
    st.plotly_chart(
        guess_map(names, probabilities.tolist()), key="guesses", config={"displayModeBar": False}
    )
    right = _share_right(model.run.identity, gallery.are_real, model, gallery)
    st.caption(
        f"q(y|x) of the images above, row by row. Of {len(gallery.labels):,} test images "
        f"{right:.1%} are guessed right."
    )
    note_missing(model, gallery)


def show_told(model: "Explorer") -> None:
    """The labelled images of its draw."""
    pictures = _told(model.run.identity, model)
    count, title = model.run.train.labelled, model.run.train.dataset
    if not count:
        st.caption("This model was told the labels of all training images.")
    elif pictures is None:
        st.caption(f"The training images of {escaped(title)} are not on this machine.")
    else:
        st.image(pictures, alt="Labelled images")
        st.caption(
            f"The {count} training images whose label it was told, by class: draw "
            f"{model.run.train.seed}. Of all others it saw the image alone."
        )


def show_painted(model: "Explorer", seed: int) -> None:
    """Draws from the prior as every class."""
    st.image(_painted(model.run.identity, seed, model), alt="Samples")
    st.caption("Each row is one draw from the prior, decoded as every class.")


def explain() -> None:
    """The bound, and the two models of the paper."""
    st.markdown(
        "M2 (Kingma, Rezende, Mohamed and Welling 2014) is a conditional VAE with a classifier "
        r"$q(y|x)$ beside it. An image with a label $y$ costs $-\mathcal{L}(x, y)$, the usual "
        r"bound. For one without, every label is tried: $\sum_y q(y|x)\,(-\mathcal{L}(x, y)) - "
        r"H(q(y|x))$. The classifier learns to choose the label under which the image is cheapest "
        "to describe. That works as far as the decoder needs the label: with cheap codes it does "
        "not, and the classifier drifts to groups of its own. A high β makes it need it. **M1** is "
        "a VAE that never saw a label; **M1+M2** is M2 on its codes. A **draw** is a choice of "
        "labelled images, as many of each class; every method gets the same ones."
    )


@st.cache_data(max_entries=20, show_spinner=False)
def _share_right(identity: str, real: bool, _model: "Explorer", _gallery) -> float:
    guesses = _model.classify(_gallery.images(np.arange(len(_gallery.labels)))).argmax(axis=1)
    return float((guesses == _gallery.labels).mean())


@st.cache_data(max_entries=8, show_spinner="Reading the training images …")
def _told(identity: str, _model: "Explorer") -> np.ndarray | None:
    from vae.analysis.few_labels import labelled_images

    found = labelled_images(_model.run)
    return None if found is None else tile(found[0] / np.float32(255), 20, 28)


@st.cache_data(max_entries=50, show_spinner=False)
def _painted(identity: str, seed: int, _model: "Explorer") -> np.ndarray:
    from vae.analysis.conditioning import generate

    labels = list(range(len(_model.run.class_names)))
    codes = np.random.default_rng(seed).standard_normal((5, _model.latent_dim))
    rows = generate(_model, labels, codes.astype(np.float32)).swapaxes(0, 1)
    return tile(rows.reshape(-1, *rows.shape[2:]), len(labels), TILE)
