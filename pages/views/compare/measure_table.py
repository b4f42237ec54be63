"""Shows the table of all measures, one row per setting, as HTML.

`st.dataframe` cannot replace it. Its cells hold one line of one size, so 14 columns with ranges,
units and long heads would not fit the page without scrolling.
"""

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from pages.views.compare.effect_summary import knows_seeds

if TYPE_CHECKING:
    from pages.views.compare.measured import MeasuredComparison
    from vae.analysis.beta_effects import BetaEffect, Verdict
    from vae.analysis.measurements import Measure
    from vae.metrics.glossary import GlossaryEntry
    from vae.runs.comparison import BetaSetting

MOVERS: "dict[Verdict, str]" = {
    "beta": "β",
    "seeds": "seeds",
    "unsettled": "unclear",
    "constant": "neither",
    "unknown": "?",
}

_STYLE = """<style>
.measures { overflow-x: auto; margin-bottom: 0.3rem; }
.measures table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.measures th, .measures td { padding: 0.28rem 0.22rem; text-align: center; line-height: 1.25;
  border-bottom: 1px solid rgba(128, 128, 128, 0.28); vertical-align: top; }
.measures thead th { font-size: 0.78rem; font-weight: 600; vertical-align: bottom; }
.measures thead tr:first-child th { font-weight: 400; opacity: 0.75; border-bottom: none; }
.measures thead th[title] { cursor: help; }
.measures thead u { text-decoration: underline dotted rgba(128, 128, 128, 0.9); }
.measures tbody th { text-align: left; white-space: nowrap; font-weight: 600; }
.measures small { display: block; font-size: 0.72rem; font-weight: 400; opacity: 0.75;
  white-space: nowrap; }
.measures tr.span td, .measures tr.span th { font-size: 0.76rem; font-weight: 400;
  white-space: normal; border-bottom: none; }
.measures tr.span th { min-width: 6rem; }
.measures i { display: inline-block; width: 0.65rem; height: 0.65rem; margin-right: 0.4rem;
  border-radius: 50%; border: 1px solid #888; }
.measures i.other { border-radius: 0; transform: rotate(45deg) scale(0.85); }
</style>"""


def show_table(measured: "MeasuredComparison") -> None:
    """Show a row per setting, and a row per objective that compares beta with the seeds."""
    from vae.charts.comparison import beta_colours

    settings = measured.comparison.settings
    colours = beta_colours([setting.beta for setting in settings])
    rows = [
        _row(setting, colour, measured) for setting, colour in zip(settings, colours, strict=True)
    ]
    rows += [
        _mover_row(objective, effects, measured.measures)
        for objective, effects in measured.effects.items()
        if knows_seeds(effects)
    ]
    st.html(
        f"{_STYLE}<div class='measures'><table>{_head(measured.measures)}"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def explain_measure(entry: "GlossaryEntry", newline: str) -> str:
    """Return what a measure means, with its range, estimator, trap and source on their lines."""
    texts = {
        "Range": entry.range,
        "Estimator": entry.estimator,
        "Trap": entry.trap,
        "Source": entry.source,
    }
    return newline.join([entry.meaning, *(f"{head}: {text}" for head, text in texts.items())])


def _head(measures: "tuple[Measure, ...]") -> str:
    from vae.analysis.measurements import AGAINST_FACTORS, COSTS

    others = len(measures) - len(COSTS)
    against = "against the known factors" if measures[-1] in AGAINST_FACTORS else "of the codes"
    groups = f"<th></th><th colspan={len(COSTS)}>on the test images</th>"
    groups += f"<th colspan={others}>{against}</th>" if others else ""
    cells = "".join(
        f'<th title="{escape(explain_measure(measure.entry, chr(10)), quote=True)}">'
        f"<u>{escape(measure.column)}</u>{_arrow(measure.entry)}"
        f"<small>{measure.unit}</small></th>"
        for measure in measures
    )
    return f"<thead><tr>{groups}</tr><tr><th></th>{cells}</tr></thead>"


def _arrow(entry: "GlossaryEntry") -> str:
    if entry.higher_is_better is None:
        return ""
    return "&nbsp;↑" if entry.higher_is_better else "&nbsp;↓"


def _row(setting: "BetaSetting", colour: str, measured: "MeasuredComparison") -> str:
    count = len(setting.runs)
    shape = "" if setting.objective == "beta-vae" else " class='other'"
    name = f"<i{shape} style='background:{colour}'></i>{escape(setting.label)}"
    seeds = "one seed" if count == 1 else f"{count} seeds"
    cells = "".join(_cell(setting, measure, measured) for measure in measured.measures)
    return f"<tr><th>{name}<small>{seeds}</small></th>{cells}</tr>"


def _cell(setting: "BetaSetting", measure: "Measure", measured: "MeasuredComparison") -> str:
    from vae.analysis.measurements import seed_summary

    summary = seed_summary(setting, measure, measured.values)
    if summary is None:
        return "<td>–<small>not measured</small></td>"
    join = "–" if summary.low >= 0 else " to "
    notes = []
    if summary.count > 1:
        notes.append(f"{measure.write(summary.low)}{join}{measure.write(summary.high)}")
    if summary.count < len(setting.runs):
        notes.append(f"{summary.count} of {len(setting.runs)}")
    small = "".join(f"<small>{note}</small>" for note in notes)
    return f"<td>{measure.write(summary.median)}{small}</td>"


def _mover_row(
    objective: str, effects: "dict[str, BetaEffect]", measures: "tuple[Measure, ...]"
) -> str:
    """Return the row that says, for one objective, whether beta or the seed moves each measure."""
    cells = [
        MOVERS[effects[measure.name].verdict] if measure.name in effects else "–"
        for measure in measures
    ]
    head = f"<th>{objective} is moved more by</th>"
    return f"<tr class='span'>{head}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
