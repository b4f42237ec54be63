"""Explains each score for tables and their help texts, from the docstrings of the scores.

The first line of such a docstring is "Title: meaning". Its paragraphs Range, Estimator, Trap and
Source become the fields of an entry. Code and pages thus share one source.

Example:
    print(GLOSSARY["mig"].meaning, GLOSSARY["mig"].trap)
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vae.metrics import classification, disentanglement


@dataclass(frozen=True)
class GlossaryEntry:
    """The explanation of one score; texts are plain sentences, with code in backticks."""

    name: str
    """The key in JSON, and the field of `Scores` or `LabelScores`."""

    title: str
    """The title, short enough for a column."""

    meaning: str
    """The meaning in one sentence."""

    range: str
    """The range of values, with the best value or chance."""

    estimator: str
    """The way it is computed."""

    trap: str
    """The way it can mislead."""

    source: str
    """The publication that defines it."""

    higher_is_better: bool | None
    """Whether a higher value is better; None where neither direction is."""


def _entry(
    name: str,
    title: str,
    function: Callable[..., Any],
    higher_is_better: bool | None = True,
) -> GlossaryEntry:
    text = inspect.getdoc(function) or ""
    summary = text.partition("\n")[0]
    return GlossaryEntry(
        name=name,
        title=title,
        meaning=_sentence(summary.partition(": ")[2] or summary),
        range=_paragraph(text, "Range"),
        estimator=_paragraph(text, "Estimator"),
        trap=_paragraph(text, "Trap"),
        source=_paragraph(text, "Source"),
        higher_is_better=higher_is_better,
    )


def _paragraph(text: str, head: str) -> str:
    found = re.search(rf"^{head}: (.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    return _sentence(" ".join(found[1].split())) if found else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_DCI = _entry("", "", disentanglement.dci)

ENTRIES = (
    _entry("mutual_information", "Mutual information", disentanglement.mutual_information, None),
    _entry("mig", "MIG", disentanglement.mig),
    _entry("sap", "SAP", disentanglement.sap_discrete),
    _entry("sap_continuous", "SAP, continuous", disentanglement.sap_continuous),
    replace(
        _DCI,
        name="dci_disentanglement",
        title="DCI disentanglement",
        meaning="Does each latent matter to one factor only?",
    ),
    replace(
        _DCI,
        name="dci_completeness",
        title="DCI completeness",
        meaning="Does each factor need one latent only?",
    ),
    replace(
        _DCI,
        name="dci_informativeness",
        title="DCI informativeness",
        meaning="How accurately do the latents together predict the factors?",
        range="In [0, 1]; guessing the commonest value scores its share.",
    ),
    _entry("modularity", "Modularity", disentanglement.modularity),
    _entry("explicitness", "Explicitness", disentanglement.explicitness),
    _entry("factor_vae", "FactorVAE", disentanglement.factor_vae),
    _entry("beta_vae", "β-VAE", disentanglement.beta_vae),
    _entry(
        "gaussian_tc",
        "Total correlation (linear only)",
        disentanglement.gaussian_total_correlation,
        higher_is_better=False,
    ),
    _entry("label_information", "Label information", classification.label_information, None),
    _entry("knn_accuracy", "Neighbour accuracy", classification.knn_accuracy),
    _entry("probe_accuracy", "Probe accuracy", classification.probe_accuracy),
)

GLOSSARY = {entry.name: entry for entry in ENTRIES}
"""Every score by name, in the order of tables."""
