"""Says in sentences which measures beta changes more than the seed does."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from pages.views.compare.measured import MeasuredComparison
    from vae.analysis.beta_effects import BetaEffect, Verdict
    from vae.analysis.measurements import Measure

VERDICTS: "dict[Verdict, str]" = {
    "beta": "**β outweighs the seeds** in",
    "seeds": "**Seeds outweigh β** in",
    "unsettled": "**It is too close to call** for",
    "constant": "**Neither changes**",
}


def show_effects(measured: "MeasuredComparison") -> None:
    """Show the summary in sentences, in one column for each objective."""
    st.markdown("## What does β change, and would another seed change it too?")
    if not measured.effects:
        st.markdown("No objective has two values of β here, so nobody can tell.")
        return
    columns = st.columns(len(measured.effects))
    for column, (objective, effects) in zip(columns, measured.effects.items(), strict=True):
        head = f"**{objective}.** " if len(measured.effects) > 1 else ""
        column.markdown(head + _sentences(effects, measured.measures))
    if any(map(knows_seeds, measured.effects.values())):
        st.caption(
            "Brackets hold the lowest and the highest median over the betas, and the largest "
            "difference between two seeds of one β. β outweighs the seeds if the medians differ "
            "by more than 1.5 times that difference. The seeds outweigh β if the medians differ "
            "by less than the seeds of one β typically do.",
        )


def knows_seeds(effects: "dict[str, BetaEffect]") -> bool:
    """Return whether several seeds of any measure are known, so that beta compares with them."""
    return any(effect.verdict != "unknown" for effect in effects.values())


def _sentences(effects: "dict[str, BetaEffect]", measures: "tuple[Measure, ...]") -> str:
    from vae.analysis.beta_effects import by_verdict, describe_tradeoff, format_interval

    by_name = {measure.name: measure for measure in measures}
    lines = [describe_tradeoff(effects["rate"], effects["distortion"], effects["elbo"]), ""]
    grouped = by_verdict(effects)
    for verdict, words in VERDICTS.items():
        phrases = [
            f"{by_name[name].noun} ({format_interval(effects[name], by_name[name].write)})"
            for name in grouped.get(verdict, [])
        ]
        if phrases:
            lines.append(f"- {words} {', '.join(phrases)}.")
    if "unknown" in grouped:
        lines.append(
            "- There is **one seed per β**, so nobody can tell whether another seed would change "
            "more than another β. `vae sweep --seeds 1,2,3` trains several seeds."
        )
    return "\n".join(lines)
