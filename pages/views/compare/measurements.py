"""Measurements: which beta, and what does it buy, over all the seeds there are."""

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui.layout import handle_errors, show_error
from pages.ui.markdown import escaped
from pages.ui.widgets import choose_one
from pages.views.compare.quick_scores import Scores, known_quick_scores, offer_quick_scores

if TYPE_CHECKING:
    from vae.analysis.beta_effects import BetaEffect
    from vae.analysis.factor_map import FactorMap
    from vae.analysis.measurements import Measure, Protocol
    from vae.charts.comparison import RateDistortionCurve
    from vae.metrics.glossary import GlossaryEntry
    from vae.runs.comparison import BetaSetting, Comparison
    from vae.runs.run import Run

Values = dict[str, dict[str, float]]
"""By the run's name, then the measure's."""

OBJECTIVES = {"beta-vae": "β-VAE", "beta-tcvae": "β-TCVAE"}
VERDICTS = {
    "beta": "**β outweighs the seeds** in",
    "seeds": "**Seeds outweigh β** in",
    "unsettled": "**Too close to call**:",
    "constant": "**Neither moves**",
}
MOVERS = {
    "beta": "β",
    "seeds": "seeds",
    "unsettled": "unclear",
    "constant": "neither",
    "unknown": "?",
}
FIRST_PANELS = (
    "mig sap dci_disentanglement dci_completeness factor_vae explicitness gaussian_tc "
    "label_information knn_accuracy probe_accuracy rate distortion active_units"
).split()
MOST_PANELS = 6
BARE: dict[str, Any] = {"displayModeBar": False}


@st.fragment
def show_measurements(comparison: "Comparison") -> None:
    """All that is measured of the runs of a comparison, and the commands that give it again."""
    with handle_errors():
        if not comparison.settings:
            _show_curve_alone(comparison)
            return
        answer = st.container(border=True)
        _show_costs(comparison)
        several = max(len(setting.runs) for setting in comparison.settings) > 1
        seeds = "the median over seeds, and below it their range" if several else "one seed each"
        st.markdown(f"## Every measure: {seeds}")
        # In a room of its own, so that what stands below stays while models are measured.
        with st.container():
            protocol, scores = _choose_scores(comparison)
        values = _values(comparison, scores)
        with answer:
            _show_answer(comparison, values)
        _show_table(comparison, values)
        _explain_scores(protocol, scores)
        _show_folds(comparison, values, scores, protocol)
        _show_panels(comparison, values)
        _show_factor_map(comparison)


def _show_curve_alone(comparison: "Comparison") -> None:
    st.caption(
        "There are no models of one β of this network to compare with; this is the curve of the "
        "one that serves every β."
    )
    _show_plane(comparison)
    _show_commands(comparison, None)


def _show_costs(comparison: "Comparison") -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("## What each model pays and gets")
        _show_plane(comparison)
        st.caption(
            "Towards the lower left is better. On a line of slope −1 the ELBO, −(distortion + "
            "rate), stays the same; no point lies below the dotted one.",
        )
    with right:
        st.markdown("## Which latents stay in use")
        _show_bars(comparison)


def _show_plane(comparison: "Comparison") -> None:
    runs = (*comparison.runs, *comparison.multi_rate)
    figure = _plane([run.name + run.identity for run in runs], comparison)
    st.plotly_chart(figure, key="measured-plane", config=BARE)


@st.cache_resource(max_entries=50, show_spinner=False)
def _plane(identities: list[str], _comparison: "Comparison") -> Any:
    """Made once for all visitors."""
    from vae.charts.comparison import Cluster, rate_distortion_plane

    clusters = [
        Cluster(
            setting.label,
            setting.beta,
            OBJECTIVES[setting.objective] + ", a point a seed",
            tuple(run.train.seed for run in setting.runs),
            tuple(run.results.test_rate for run in setting.runs),
            tuple(run.results.test_distortion for run in setting.runs),
        )
        for setting in _comparison.settings
    ]
    several = len(_comparison.multi_rate) > 1
    curves = {
        run.name if several else "one model for any β": _curve(run)
        for run in _comparison.multi_rate
    }
    return rate_distortion_plane(clusters, curves)


def _curve(run: "Run") -> "RateDistortionCurve":
    from vae.charts.comparison import RateDistortionCurve
    from vae.runs.checkpoint import load_curve

    found = load_curve(run)
    assert found is not None
    return RateDistortionCurve(found.betas.tolist(), found.rate.tolist(), found.distortion.tolist())


def _show_bars(comparison: "Comparison") -> None:
    figure = _bars([run.name + run.identity for run in comparison.runs], comparison)
    st.plotly_chart(figure, key="measured-bars", config=BARE)
    several = max(len(setting.runs) for setting in comparison.settings) > 1
    which = "Of each setting the seed of the median ELBO. " if several else ""
    st.caption(
        f"{which}Rate (KL divergence to the prior) of each latent, highest first; grey ones are "
        "inactive: their posterior mean varies by less than 0.01.",
    )


@st.cache_resource(max_entries=50, show_spinner=False)
def _bars(identities: list[str], _comparison: "Comparison") -> Any:
    """Made once for all visitors."""
    from vae.analysis.measurements import median_run
    from vae.charts.comparison import RateBars, rate_bars_by_setting

    models = []
    for setting in _comparison.settings:
        run = median_run(setting)
        rates, inactive = run.results.test_rate_per_dimension, run.results.inactive
        order = sorted(range(len(rates)), key=lambda i: -rates[i])
        models.append(
            RateBars(
                f"{setting.label}, {run.results.active_units} active",
                tuple(rates[i] for i in order),
                tuple(i not in inactive for i in order),
            )
        )
    count = len(models)
    columns = count if count <= 3 else 2 if count == 4 else 3 if count <= 9 else 4
    row_height = max(90, 340 // -(-count // columns))
    return rate_bars_by_setting(models, columns, row_height)


def _choose_scores(comparison: "Comparison") -> "tuple[Protocol, Scores]":
    """Scores of one protocol alone: the stored ones, or those measured here on demand."""
    from vae.analysis.measurements import QUICK, read_comparison_scores

    stored = read_comparison_scores(comparison)
    for error in stored.refused:
        show_error(error)
    found = dict(stored.by_protocol)
    best = max(map(len, found.values()), default=0)
    if best < len(comparison.runs):
        offer_quick_scores(comparison, best)
    quick = {**known_quick_scores(comparison), **found.get(QUICK, {})}
    if quick:
        found[QUICK] = quick
    if not found:
        return QUICK, {}
    return _choose_protocol(found, len(comparison.runs))


def _choose_protocol(found: "dict[Protocol, Scores]", runs: int) -> "tuple[Protocol, Scores]":
    # The published ones where as many have them, else those of most runs.
    first = max(found, key=lambda p: (len(found[p]), p.estimator == "gradient-boosting"))
    if len(found) == 1:
        return first, found[first]
    # By name: Streamlit takes a dataclass for a list of its fields.
    named = {_how(protocol): protocol for protocol in found}
    chosen = choose_one(
        "Scores are comparable only where they were taken alike; show those by",
        list(named),
        "measured-protocol",
        _how(first),
        format_func=lambda name: f"{name} ({len(found[named[name]])} of {runs} runs)",
    )
    return named[chosen], found[named[chosen]]


def _how(protocol: "Protocol") -> str:
    return f"{protocol.estimator.replace('-', ' ')}, {protocol.rows} rows, seed {protocol.seed}"


def _values(comparison: "Comparison", scores: Scores) -> Values:
    from vae.analysis.measurements import values_of

    return {run.name: values_of(run, scores.get(run.identity)) for run in comparison.runs}


def _by_objective(comparison: "Comparison") -> "dict[str, list[BetaSetting]]":
    found: dict[str, list[BetaSetting]] = {}
    for setting in comparison.settings:
        found.setdefault(OBJECTIVES[setting.objective], []).append(setting)
    return found


def _effects(
    settings: "list[BetaSetting]", measures: "tuple[Measure, ...]", values: Values
) -> "dict[str, BetaEffect]":
    """What beta did to each measure, by its name; those of fewer than two betas are left out."""
    from vae.analysis.beta_effects import beta_effect

    found = {}
    for measure in measures:
        by_beta = {
            setting.beta: [
                values[run.name][measure.name]
                for run in setting.runs
                if measure.name in values[run.name]
            ]
            for setting in settings
        }
        effect = beta_effect(by_beta)
        if effect is not None:
            found[measure.name] = effect
    return found


def _show_answer(comparison: "Comparison", values: Values) -> None:
    """What beta bought, in sentences."""
    from vae.analysis.measurements import shown_measures

    measures = shown_measures(values.values())
    kinds = {
        objective: effects
        for objective, settings in _by_objective(comparison).items()
        if (effects := _effects(settings, measures, values))
    }
    st.markdown("## What did β buy, and would another seed have bought it too?")
    if not kinds:
        st.markdown("No objective has two values of β here, so this cannot be said.")
        return
    for column, (objective, effects) in zip(st.columns(len(kinds)), kinds.items(), strict=True):
        head = f"**{objective}.** " if len(kinds) > 1 else ""
        column.markdown(head + _answer(effects, measures))
    if any(
        effect.verdict != "unknown" for effects in kinds.values() for effect in effects.values()
    ):
        st.caption(
            "In brackets: the lowest and the highest median over the betas, and how far the seeds "
            "of one β differ at most. β outweighs the seeds where the medians differ by over 1.5 "
            "times that; the seeds outweigh β where they differ by less than seeds typically do.",
        )


def _answer(effects: "dict[str, BetaEffect]", measures: "tuple[Measure, ...]") -> str:
    from vae.analysis.beta_effects import by_verdict, describe_tradeoff, format_interval

    by_name = {measure.name: measure for measure in measures}
    lines = [describe_tradeoff(effects["rate"], effects["distortion"], effects["elbo"])]
    grouped = by_verdict(effects)
    for verdict, words in VERDICTS.items():
        names = grouped.get(verdict, [])  # type: ignore[call-overload]
        phrases = [
            f"{by_name[name].noun} ({format_interval(effects[name], by_name[name].write)})"
            for name in names
        ]
        if phrases:
            lines.append(f"- {words} {', '.join(phrases)}.")
    if "unknown" in grouped:
        lines.append(
            "- There is **one seed a β**: whether another seed would change more than another β "
            "cannot be said. `vae sweep --seeds 1,2,3` trains several."
        )
    return "\n".join([lines[0], "", *lines[1:]])


_TABLE_STYLE = """<style>
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


def _show_table(comparison: "Comparison", values: Values) -> None:
    from vae.analysis.measurements import shown_measures
    from vae.charts.comparison import beta_colours

    measures = shown_measures(values.values())
    colours = beta_colours([setting.beta for setting in comparison.settings])
    rows = [
        _row(setting, colour, measures, values)
        for setting, colour in zip(comparison.settings, colours, strict=True)
    ]
    for objective, settings in _by_objective(comparison).items():
        effects = _effects(settings, measures, values)
        if any(effect.verdict != "unknown" for effect in effects.values()):
            rows.append(_mover_row(objective, effects, measures))
    st.html(
        f"{_TABLE_STYLE}<div class='measures'><table>{_head(measures)}"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _head(measures: "tuple[Measure, ...]") -> str:
    from vae.analysis.measurements import AGAINST_FACTORS, COSTS

    others = len(measures) - len(COSTS)
    against = "against the known factors" if measures[-1] in AGAINST_FACTORS else "of the codes"
    groups = f"<th></th><th colspan={len(COSTS)}>on the test images</th>"
    groups += f"<th colspan={others}>{against}</th>" if others else ""
    cells = "".join(
        f'<th title="{escape(_explanation(measure.entry, chr(10)), quote=True)}">'
        f"<u>{escape(measure.column)}</u>{_arrow(measure.entry)}"
        f"<small>{measure.unit}</small></th>"
        for measure in measures
    )
    return f"<thead><tr>{groups}</tr><tr><th></th>{cells}</tr></thead>"


def _arrow(entry: "GlossaryEntry") -> str:
    if entry.higher_is_better is None:
        return ""
    return "&nbsp;↑" if entry.higher_is_better else "&nbsp;↓"


def _row(
    setting: "BetaSetting", colour: str, measures: "tuple[Measure, ...]", values: Values
) -> str:
    count = len(setting.runs)
    shape = "" if setting.objective == "beta-vae" else " class='other'"
    name = f"<i{shape} style='background:{colour}'></i>{escape(setting.label)}"
    seeds = "one seed" if count == 1 else f"{count} seeds"
    cells = "".join(_cell(setting, measure, values) for measure in measures)
    return f"<tr><th>{name}<small>{seeds}</small></th>{cells}</tr>"


def _cell(setting: "BetaSetting", measure: "Measure", values: Values) -> str:
    from vae.analysis.measurements import seed_summary

    spread = seed_summary(setting, measure, values)
    if spread is None:
        return "<td>–<small>not measured</small></td>"
    join = "–" if spread.low >= 0 else " to "
    small = f"{measure.write(spread.low)}{join}{measure.write(spread.high)}"
    few = f"<small>{spread.count} of {len(setting.runs)}</small>"
    return (
        f"<td>{measure.write(spread.median)}"
        + (f"<small>{small}</small>" if spread.count > 1 else "")
        + (few if spread.count < len(setting.runs) else "")
        + "</td>"
    )


def _mover_row(
    objective: str, effects: "dict[str, BetaEffect]", measures: "tuple[Measure, ...]"
) -> str:
    """What moves each measure more, under the settings of one objective."""
    cells = [
        MOVERS[effects[measure.name].verdict] if measure.name in effects else "–"
        for measure in measures
    ]
    head = f"<th>{objective} is moved more by</th>"
    return f"<tr class='span'>{head}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _explain_scores(protocol: "Protocol", scores: Scores) -> None:
    """How the scores on show were taken."""
    from vae.analysis.measurements import QUICK

    if not scores:
        return
    taken = next(iter(scores.values()))
    rows, test_rows = (escaped(taken.get(name)) for name in ("rows", "test_rows"))
    parts = [f"Scores of the posterior means of {rows} test images, drawn by seed {protocol.seed}"]
    if "mig" in taken:
        factors, seeds = (_listed(taken.get(name)) for name in ("factors", "sampling_seeds"))
        parts[0] += f", and {test_rows} others to test on, against the factors {factors}."
        parts.append(f"DCI by {protocol.estimator.replace('-', ' ')}.")
        parts.append(f"FactorVAE and β-VAE scores: means over the sampling seeds {seeds}.")
    else:
        parts[0] += ". The factors behind these images are not known, only labels, if any."
        parts.append("Accuracies: fitted on one half, tested on the other.")
    if protocol == QUICK:
        parts.append(
            "These are quick scores, not comparable with others; `vae metrics CHECKPOINT --save` "
            "stores the published ones."
        )
    st.caption(" ".join(parts) + " Hold the pointer over a column's head for what it measures.")


def _listed(values: object) -> str:
    """What a scores.json lists; anybody can have written one."""
    return ", ".join(map(escaped, values)) if isinstance(values, list | tuple) else "unknown"


def _show_folds(
    comparison: "Comparison", values: Values, scores: Scores, protocol: "Protocol"
) -> None:
    from vae.analysis.measurements import csv_table, shown_measures

    folds, download = st.columns([3, 1])
    with folds.expander("What do these measure?"):
        for measure in shown_measures(values.values()):
            st.markdown(f"**{measure.title}**  \n{_explanation(measure.entry, '  ' + chr(10))}")
    with folds.expander("Commands: train and measure each of these models again"):
        _show_commands(comparison, protocol if scores else None)
    table = csv_table(comparison, values, scores, protocol)
    download.download_button(
        "Table as CSV, a row a run",
        table,
        "measurements.csv",
        "text/csv",
        icon=":material/download:",
        width="stretch",
        on_click="ignore",
    )


def _explanation(entry: "GlossaryEntry", newline: str) -> str:
    texts = {
        "Range": entry.range,
        "Estimator": entry.estimator,
        "Trap": entry.trap,
        "Source": entry.source,
    }
    return newline.join([entry.meaning, *(f"{head}: {text}" for head, text in texts.items())])


def _show_commands(comparison: "Comparison", protocol: "Protocol | None") -> None:
    from vae.analysis.measurements import metrics_command
    from vae.runs.report import train_command

    st.markdown("Train each of these models again:")
    runs = (*comparison.runs, *comparison.multi_rate)
    st.code("\n".join(map(train_command, runs)), language="bash")
    if comparison.runs:
        how = "as here (without the options between: as published)" if protocol else "as published"
        st.markdown(f"Measure each {how}, and store its scores:")
        lines = [metrics_command(run, protocol) for run in comparison.runs]
        st.code("\n".join(lines), language="bash")


def _show_panels(comparison: "Comparison", values: Values) -> None:
    from vae.analysis.measurements import shown_measures
    from vae.charts.comparison import measure_panels

    by_name = {measure.name: measure for measure in shown_measures(values.values())}
    first = [name for name in FIRST_PANELS if name in by_name][:MOST_PANELS]
    st.markdown("## How each measure moves with β, and how far seeds scatter")
    key = f"measured-panels-{len(by_name)}"
    held = st.session_state.get(key)
    # Boxes keep to the most that fit; a program need not.
    if held is None or len(held) > MOST_PANELS:
        st.session_state[key] = (held or first)[:MOST_PANELS]
    chosen = st.multiselect(
        "Measures",
        list(by_name),
        format_func=lambda name: by_name[name].title,
        key=key,
        max_selections=MOST_PANELS,
        label_visibility="collapsed",
    )
    if len(chosen) < 2:
        st.info("One measure alone misleads; choose at least two.", icon=":material/info:")
        return
    panels = {}
    for measure in map(by_name.__getitem__, chosen):
        unit = f" ({measure.unit})" if measure.unit else ""
        panels[measure.title + unit] = _lines(comparison, measure, values)
    st.plotly_chart(measure_panels(panels), key="measured-panels-chart", config=BARE)


def _lines(comparison: "Comparison", measure: "Measure", values: Values) -> list:
    from vae.charts.comparison import MeasureLine

    lines = []
    for objective, settings in _by_objective(comparison).items():
        known = {
            setting.beta: {
                run.train.seed: values[run.name][measure.name]
                for run in setting.runs
                if measure.name in values[run.name]
            }
            for setting in settings
        }
        known = {beta: seeds for beta, seeds in known.items() if seeds}
        lines.append(
            MeasureLine(
                objective,
                tuple(known),
                tuple(tuple(seeds) for seeds in known.values()),
                tuple(tuple(seeds.values()) for seeds in known.values()),
            )
        )
    return lines


def _show_factor_map(comparison: "Comparison") -> None:
    """Which latent tells about which factor, for a setting and seed to choose."""
    from vae.charts.comparison import share_map

    if not comparison.example.factors:
        return
    st.markdown("## Which latent tells about which factor")
    pickers, chart = st.columns([1, 3], gap="large")
    with pickers:
        run = _pick_run(comparison)
        found = _factor_map(run.identity, run)
        if found is None:
            st.caption("No factor varies among these test images.")
            return
        st.caption(
            "Mutual information of a latent with a factor, as a share of the factor's entropy: at "
            "1 the latent alone settles the factor. A clean code has one bright cell in each "
            f"column. From the posterior means of {found.rows} test images; latents by falling "
            "rate. The estimate is biased upwards, the more so the more values a factor has."
        )
    rows = [
        f"z{latent + 1} · {rate:.2f}"
        for latent, rate in zip(found.latents, found.rates, strict=True)
    ]
    figure = share_map(found.factors, rows, found.shares.tolist())
    chart.plotly_chart(figure, key="measured-factors", config=BARE)


def _pick_run(comparison: "Comparison") -> "Run":
    labels = {setting.label: setting for setting in comparison.settings}
    setting = labels[st.selectbox("Setting", list(labels), key="measured-setting")]
    seeds = [run.train.seed for run in setting.runs]
    return setting.of_seed(st.selectbox("Seed", seeds, key=f"measured-seed-{setting.label}"))


@st.cache_resource(max_entries=100, show_spinner=False)
def _factor_map(identity: str, _run: "Run") -> "FactorMap | None":
    from vae.analysis.factor_map import factor_map
    from vae.runs.checkpoint import load_atlas

    return factor_map(_run, load_atlas(_run))
