"""Few data: shows whether samples of a VAE help a classifier that has only a few images."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.markdown import escaped
from pages.ui.widgets import show_figure
from pages.views.few_labels import findings

if TYPE_CHECKING:
    from vae.analysis.few_data import FewData
    from vae.charts.few_labels import AccuracyLine
    from vae.explorer import Explorer


def show(explorer: "Explorer") -> None:
    """Show accuracy against the number of images, for every kind of training set."""
    from vae.analysis.few_data import LOGISTIC, PERCEPTRON, SAMPLES, SHIFTS, FewData, verdict
    from vae.charts.few_labels import accuracy_panels

    outcome = findings.load_finding("few-data", explorer.run.train.dataset)
    if outcome is not None:
        found = FewData.from_dict(outcome.found)
        panels = {
            f"{name[0].upper()}{name[1:]}": _lines(found, name) for name in (LOGISTIC, PERCEPTRON)
        }
        show_figure(accuracy_panels(panels), key="few-data")
        samples, shifts = (escaped(verdict(found, added), 500) for added in (SAMPLES, SHIFTS))
        st.markdown(f"**{samples}** {shifts}")
        findings.show_origin(outcome)
    with st.expander("What is compared?"):
        _explain()


def _explain() -> None:
    """Explain the three training sets and the choice of beta."""
    from vae.analysis.few_data import BETA, COPIES, FURTHEST, VAE_STEPS

    st.markdown(
        "A conditional VAE is trained on the few labelled images alone. It decodes draws from its "
        f"prior as each class and gives {COPIES} samples for each image. Two classifiers are "
        "trained on three sets: on the images, on the images and the samples, and on the images "
        f"with {COPIES} copies of each, moved by up to {FURTHEST} pixels. Moved copies are the "
        "simplest alternative to samples. The classifiers are tested on the whole test split. Each "
        "point stands for one random choice of images. A VAE knows no more than the images that it "
        f"was trained on. It is trained for {VAE_STEPS:,} steps at β {BETA:g}. At β 1 the code "
        "already holds the class, so many samples show another class than their label, and a wrong "
        "label does harm."
    )


def _lines(found: "FewData", classifier: str) -> "list[AccuracyLine]":
    from vae.charts.few_labels import AccuracyLine

    lines = []
    for training_set in dict.fromkeys(cell.trained_on for cell in found.cells):
        key = classifier, training_set
        cells = [c for c in found.cells if (c.classifier, c.trained_on) == key]
        sizes, values = (c.images for c in cells), (c.accuracy.values for c in cells)
        lines.append(AccuracyLine(training_set, tuple(sizes), tuple(values)))
    return lines
