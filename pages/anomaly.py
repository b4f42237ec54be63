"""Anomalies: a model that was trained on some classes only tells which images are unusual."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state.models import catalogue, open_explorer, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_in_link
from pages.views.anomaly.one_image import show_image
from pages.views.anomaly.ranking import rank, show_numbers, show_roc, show_strips, show_threshold

if TYPE_CHECKING:
    from vae.analysis.anomaly import Score
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

open_page(
    "Anomalies",
    "The model was trained on some classes only. An image above the **threshold** is an anomaly. "
    "**Press** a class below an image.",
)


def pick_detector(explorer: "Explorer") -> "Explorer | None":
    """Return the chosen model if it was trained on some classes only; else let people choose one.

    Says so and returns None when no model was trained on some classes only.
    """
    from vae.core.dataset_name import is_subset

    if is_subset(explorer.run.train.dataset):
        return explorer
    runs = {
        run.name: run
        for run in catalogue().runs
        if is_subset(run.train.dataset) and run.model.is_generative
    }
    if not runs:
        st.info(
            "No model here was trained on some classes only. Train one under **Train**, More "
            "settings, Classes, or with `vae train --dataset mnist:only=3`.",
            icon=":material/info:",
        )
        return None
    name = st.sidebar.selectbox(
        "Model of some classes",
        list(runs),
        key="anomaly-model",
        help="The model above was trained on every class, so no class is unusual for it.",
    )
    return open_explorer(runs[name])


def choose_score(detector: "Explorer", gallery: "Gallery") -> "Score":
    """Choose the score to rank by; without the images, only the rate in the checkpoint is known."""
    from vae.analysis.anomaly import SCORES, available_scores

    names: list[Score] = ["rate"]
    if gallery.are_real:
        names = list(available_scores(detector.run.model))
    return choose_in_link(
        "Rank by",
        names,
        name="score",
        key=f"rank-by-{len(names)}",
        format_func=SCORES.__getitem__,
        help="−ELBO is distortion + rate, with one posterior sample for each image. −log p(x) is "
        "importance weighted, with 10 samples. The missed share is |x − x̂|² / |x|². A higher score "
        "means a more unusual image.",
    )


explorer = pick_explorer()
with handle_errors():
    detector = pick_detector(explorer)
    if detector is not None:
        gallery = open_gallery(detector)
        note_missing(detector, gallery)
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            ranked = rank(detector, gallery, choose_score(detector, gallery))
            threshold = show_threshold(ranked)
            show_strips(detector, gallery, ranked)
        with right:
            point = show_numbers(ranked, threshold)
            show_image(detector, gallery, ranked, threshold)
            show_roc(ranked, point)

with st.expander("What makes an image unusual?"):
    st.markdown(
        r"$-\log p(x)$ is at most $-\mathrm{ELBO} = -\log p(x|z) + \mathrm{KL}(q(z|x)\,\|\,p(z))$: "
        "the **distortion** measures what the decoder cannot reproduce, and the **rate** measures "
        "how unusual the code is. An average over posterior samples, each weighted by "
        "$p(x,z)/q(z|x)$, is closer to $-\\log p(x)$ (Burda et al. 2016). **AUROC** is the "
        "probability that an image of another class scores higher than an image of the model's own "
        "classes: 0.5 is chance. It does not depend on the threshold, nor on the number of images "
        "of either sort. **Precision** depends on both.\n\n"
        "A probable image is not always a familiar one. A simple image costs few nats, whatever it "
        "shows. A model that has never seen a 1 gives it a better likelihood than the digits that "
        "it knows, so ranking by likelihood is *worse* than chance. Nalisnick et al. (2019) found "
        "the same between data sets. The **missed share**, $|x - \\hat x|^2 / |x|^2$, is the part "
        "of the image that the reconstruction misses, even if the image is simple. Serrà et al. "
        "(2020) correct likelihoods for the complexity of an image in a similar way."
    )
