"""Chooses the scores to show: stored ones or quick ones, always of a single protocol."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from pages.views.compare.quick_scores import Scores, known_quick_scores, offer_quick_scores

if TYPE_CHECKING:
    from pages.views.compare.measured import MeasuredComparison
    from vae.analysis.measurements import Protocol
    from vae.runs.comparison import Comparison


def choose_scores(comparison: "Comparison") -> "tuple[Protocol, Scores]":
    """Return one protocol and its scores; offer quick scores if some stored ones are missing."""
    from vae.analysis.measurements import QUICK, read_comparison_scores

    stored = read_comparison_scores(comparison)
    for error in stored.refused:
        show_error(error)
    found = dict(stored.by_protocol)
    most = max(map(len, found.values()), default=0)
    if most < len(comparison.runs):
        offer_quick_scores(comparison, most)
    quick = {**known_quick_scores(comparison), **found.get(QUICK, {})}
    if quick:
        found[QUICK] = quick
    if not found:
        return QUICK, {}
    return _choose_protocol(found, len(comparison.runs))


def _choose_protocol(found: "dict[Protocol, Scores]", runs: int) -> "tuple[Protocol, Scores]":
    # The default is the protocol of most runs; among equals, the published one.
    first = max(found, key=lambda p: (len(found[p]), p.estimator == "gradient-boosting"))
    if len(found) == 1:
        return first, found[first]
    # The options are names, because Streamlit reads a dataclass as a list of its fields.
    named = {_protocol_name(protocol): protocol for protocol in found}
    name = choose_one(
        "Scores are comparable only within one protocol. Show the scores of",
        list(named),
        "measured-protocol",
        _protocol_name(first),
        format_func=lambda name: f"{name} ({len(found[named[name]])} of {runs} runs)",
    )
    return named[name], found[named[name]]


def _protocol_name(protocol: "Protocol") -> str:
    return f"{_estimator(protocol)}, {protocol.rows} rows, seed {protocol.seed}"


def _estimator(protocol: "Protocol") -> str:
    return protocol.estimator.replace("-", " ")


def explain_scores(measured: "MeasuredComparison") -> None:
    """Say how the shown scores were computed."""
    from vae.analysis.measurements import QUICK

    if not measured.scores:
        return
    protocol, record = measured.protocol, next(iter(measured.scores.values()))
    rows, test_rows = (escaped(record.get(name)) for name in ("rows", "test_rows"))
    parts = [
        f"These scores rate the posterior means of {rows} test images, sampled with seed "
        f"{protocol.seed}."
    ]
    if "mig" in record:
        factors, seeds = (_listed(record.get(name)) for name in ("factors", "sampling_seeds"))
        parts += [
            f"The factors are {factors}.",
            f"{test_rows} other images serve as the test set.",
            f"DCI uses {_estimator(protocol)}.",
            f"FactorVAE and β-VAE scores are means over the sampling seeds {seeds}.",
        ]
    else:
        parts += [
            "The factors of these images are unknown; some data sets have labels.",
            "Accuracies come from a fit on one half and a test on the other half.",
        ]
    if protocol == QUICK:
        parts.append(
            "These are quick scores, which are not comparable with others. `vae metrics CHECKPOINT "
            "--save` stores scores by the published protocol."
        )
    st.caption(" ".join([*parts, "Hover over a column's head to read what it measures."]))


def _listed(values: object) -> str:
    """Return a list of `scores.json` as text; the file may come from anyone."""
    return ", ".join(map(escaped, values)) if isinstance(values, list | tuple) else "unknown"
