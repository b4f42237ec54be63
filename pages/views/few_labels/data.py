"""Few data: whether a VAE's samples help a classifier that has only a few images."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.markdown import escaped
from pages.views.few_labels import findings

if TYPE_CHECKING:
    from vae.analysis.few_data import FewData
    from vae.charts.few_labels import AccuracyLine
    from vae.explorer import Explorer


def show(explorer: "Explorer") -> None:
    """Accuracy against the number of images, on every kind of training set."""
    from vae.analysis.few_data import LOGISTIC, PERCEPTRON, SAMPLES, SHIFTS, FewData, verdict
    from vae.charts.few_labels import accuracy_panels

    outcome = findings.load_finding("few-data", explorer.run.train.dataset)
    if outcome is not None:
        found = FewData.from_dict(outcome.found)
        panels = {
            f"{name[0].upper()}{name[1:]}": _lines(found, name) for name in (LOGISTIC, PERCEPTRON)
        }
        st.plotly_chart(accuracy_panels(panels), key="few-data", config={"displayModeBar": False})
        samples, shifts = (escaped(verdict(found, what), 500) for what in (SAMPLES, SHIFTS))
        st.markdown(f"**{samples}** {shifts}")
        findings.show_origin(outcome)
    with st.expander("What is compared?"):
        explain()


def explain() -> None:
    """The three training sets, and what to expect of them."""
    from vae.analysis.few_data import BETA, COPIES, FURTHEST, VAE_STEPS

    st.markdown(
        "A conditional VAE is trained on the few labelled images alone and decodes draws from its "
        f"prior as each class: {COPIES} samples for each image. Two classifiers are trained on the "
        f"images, on images and samples, and on the images with {COPIES} copies of each, moved by "
        f"up to {FURTHEST} pixels, which is the simplest thing to do instead; then they are asked "
        "about the whole test split. Every point is a draw of images. A VAE knows no more than the "
        f"images that it was trained on. It trains for {VAE_STEPS:,} steps at β {BETA:g}: at β 1 "
        "the code says the class by itself, so that many samples are of another class than the one "
        "asked for, and a wrong label does harm."
    )


def _lines(found: "FewData", classifier: str) -> "list[AccuracyLine]":
    from vae.charts.few_labels import AccuracyLine

    lines = []
    for what in dict.fromkeys(cell.trained_on for cell in found.cells):
        cells = [c for c in found.cells if (c.classifier, c.trained_on) == (classifier, what)]
        sizes, values = (c.images for c in cells), (c.accuracy.values for c in cells)
        lines.append(AccuracyLine(what, tuple(sizes), tuple(values)))
    return lines
