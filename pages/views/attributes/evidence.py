"""Shows whether a direction does more than chance, and the numbers that say so."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.widgets import show_figure, show_metrics

if TYPE_CHECKING:
    from vae.analysis.attributes import AttributeFinding


def show_verdict(finding: "AttributeFinding") -> None:
    """Warn about a direction that is no better than chance, or else praise it."""
    if finding.doubts:
        doubts = " ".join(finding.doubts)
        st.error(f"**No better than chance.** {doubts}", icon=":material/warning:")
    else:
        st.success(
            "**Better than chance**: images that are moved along it gain the attribute.",
            icon=":material/check:",
        )


def show_numbers(finding: "AttributeFinding", command: str) -> None:
    """Show the numbers behind the verdict; `command` is a sentence that ends the caption."""
    direction, effect = finding.direction, finding.effect
    low, high = direction.cosine_interval
    show_metrics(
        [
            (
                "Cosine",
                f"{direction.cosine:.3f}",
                "The mean cosine between the directions of two bootstrap resamples of the groups. "
                "A value of 1 means that the direction is certain.",
            ),
            (
                "p, groups",
                f"{direction.apart_p:.3f}",
                f"The same images are put into groups of {direction.counts[0]:,} and "
                f"{direction.counts[1]:,} at random. This is the share of such groupings whose "
                "mean codes are at least as far apart.",
            ),
            (
                "Correlation",
                f"{effect.correlation:+.2f}",
                "Spearman's correlation between the distance that held-out images are moved and "
                "the attribute, measured on the decoded images.",
            ),
            (
                "p, effect",
                f"{effect.p:.2f}",
                "The share of random directions along which that correlation is at least as high. "
                "They have the same length and vary as the codes do.",
            ),
        ]
    )
    st.caption(
        f"95 % of those cosines lie from {low:.3f} to {high:.3f}; random groups give "
        f"{direction.chance_cosine:.2f}. The slider's unit is the distance of the means, "
        f"{direction.length:.2f}.{command}"
    )


def show_effect(finding: "AttributeFinding") -> None:
    """Show the measured attribute against the step, along the direction and random directions."""
    from vae.charts.attributes import effect_curves

    effect, title = finding.effect, finding.title
    figure = effect_curves(effect.steps, effect.curve, effect.random_curves, title, effect.unit)
    show_figure(figure, key="effect")
