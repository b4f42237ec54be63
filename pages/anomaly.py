"""Anomalies: a model that has seen some classes alone, asked which images it finds strange."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.state import url_state
from pages.state.models import catalogue, open_explorer, open_gallery
from pages.ui.image_picker import note_missing
from pages.ui.layout import handle_errors, open_page
from pages.ui.model_picker import pick_explorer
from pages.ui.widgets import choose_one
from pages.views.anomaly.one_image import show_image
from pages.views.anomaly.ranking import rank, show_numbers, show_roc, show_strips, show_threshold

if TYPE_CHECKING:
    from vae.analysis.anomaly import Score
    from vae.explorer import Explorer
    from vae.explorer.gallery import Gallery

RANK_BY = "score"

open_page(
    "Anomalies",
    "The model learnt some classes alone: what is above the **threshold** is strange to it. "
    "**Press** the class below an image.",
)


def pick_detector(explorer: "Explorer") -> "Explorer | None":
    """The chosen model if it was trained on some classes, else one that was; None without any."""
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
            "There is no model yet that was trained on some classes alone. Train one under "
            "**Train**, More settings, Classes, or with `vae train --dataset mnist:only=3`.",
            icon=":material/info:",
        )
        return None
    name = st.sidebar.selectbox(
        "Model of some classes",
        list(runs),
        key="anomaly-model",
        help="The model above was trained on every class, so that none is strange to it.",
    )
    return open_explorer(runs[name])


def choose_score(detector: "Explorer", gallery: "Gallery") -> "Score":
    """What to rank by, kept in the link; without the images only what the checkpoint holds."""
    from vae.analysis.anomaly import SCORES, scores_there_are

    names: list[Score] = ["rate"]
    if gallery.are_real:
        names = list(scores_there_are(detector.run.model))
    key = f"rank-by-{len(names)}"
    url_state.set_initial_value(key, url_state.read(RANK_BY), names)
    chosen = choose_one(
        "Rank by",
        names,
        key,
        format_func=SCORES.__getitem__,
        help="−ELBO is distortion + rate, at one posterior sample of each image; −log p(x) is "
        "importance weighted, with 10 samples; the missed share is |x − x̂|² / |x|². The higher, "
        "the stranger.",
    )
    url_state.write(RANK_BY, chosen)
    return chosen


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

with st.expander("What makes an image strange?"):
    st.markdown(
        r"$-\log p(x)$ is at most $-\mathrm{ELBO} = -\log p(x|z) + \mathrm{KL}(q(z|x)\,\|\,p(z))$: "
        "the **distortion**, what the decoder cannot paint, and the **rate**, how unusual the code "
        "is. An average over posterior samples, each weighted by $p(x,z)/q(z|x)$, comes nearer to "
        "$-\\log p(x)$ (Burda et al. 2016). **AUROC** is the probability that an image of another "
        "class scores higher than one of the model's own: 0.5 is chance. It does not depend on "
        "the threshold, nor on how many images of either sort there are; **precision** does.\n\n"
        "Probable does not mean familiar. A simple image costs few nats whatever it shows: a model "
        "that has never seen a 1 finds it less strange than the digits that it knows, and ranks "
        "by likelihood *below* chance. Nalisnick et al. (2019) found the same between data sets. "
        "The **missed share**, $|x - \\hat x|^2 / |x|^2$, asks how much of the image the "
        "reconstruction misses, however little there is to see; Serrà et al. (2020) correct "
        "likelihoods for an image's complexity likewise."
    )
