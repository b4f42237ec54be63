"""Shows the progress of a sweep: one row per run, the curves of all runs, their pictures."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.state.models import refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.ui.widgets import show_figure
from pages.views.train.status import (
    POLL_SECONDS,
    describe_active_units,
    describe_epoch,
    describe_status,
    throttled,
)
from pages.views.train.stopping import stop_button
from vae.charts.images import png_bytes, tile

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.delta_generator import DeltaGenerator

    from vae.charts.sweep import SweepCurve
    from vae.jobs.jobs import Job, Sweep

SHORT_SECONDS = 30.0
"""The charts of a sweep are redrawn at every update for this time after it has started."""

CHART_HEIGHT = 330
MAX_ROWS, ROWS_HEIGHT = 6, 300
"""More rows than this scroll within a height in pixels."""

Mark = tuple[int, int]
"""The number of finished epochs and the step up to which the charts show a run."""

HEADINGS = ("β", "seed", "", ("time left",), ("distortion",), ("rate",), ("active",))
Cell = str | tuple[str]
"""The HTML of a cell; numbers are in a tuple, because they align to the right."""

_STYLE = """<style>
.sweep-row { display: grid; align-items: center; column-gap: 0.9rem; min-height: 2.5rem;
  grid-template-columns: 4.6rem 2.6rem minmax(7rem, 1fr) 4.2rem 4.6rem 3.4rem 4rem;
  font-size: 0.92rem; font-variant-numeric: tabular-nums; }
.sweep-row > * { white-space: nowrap; }
.sweep-row .figure { text-align: right; }
.sweep-head { min-height: 1.4rem; font-size: 0.8rem; opacity: 0.7; }
.sweep-beta { font-weight: 600; }
.sweep-beta i { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 50%;
  margin-right: 0.5rem; }
.sweep-state { font-size: 0.8rem; line-height: 1.2; overflow: hidden; text-overflow: ellipsis; }
.sweep-bar { height: 4px; border-radius: 2px; margin-top: 3px; overflow: hidden;
  background: color-mix(in srgb, currentColor 14%, transparent); }
.sweep-bar div { height: 100%; }
.sweep-pictures { display: grid; grid-template-columns: 4.6rem auto; align-items: center;
  gap: 0.35rem 0.9rem; justify-content: start; }
.sweep-pictures img { height: 44px; max-width: 100%; image-rendering: pixelated; display: block; }
.sweep-pictures .originals { font-size: 0.8rem; opacity: 0.7; }
</style>"""


def show_progress(sweep: "Sweep", on_finished: Callable[[str], None]) -> None:
    """Show a sweep, redrawn every second until all its runs have ended."""
    every = None if sweep.ended else POLL_SECONDS
    st.fragment(_show_sweep, run_every=every)(sweep, on_finished, every is not None)


def _show_sweep(sweep: "Sweep", on_finished: Callable[[str], None], polls: bool) -> None:
    """Show all parts of a sweep; rerun the whole page when the sweep ends while it polls."""
    _show_overall(sweep, on_finished)
    _show_rows(sweep)
    _show_charts(sweep)
    _show_pictures(sweep)
    ended, key = sum(job.ended for job in sweep.jobs), f"sweep-ended-{sweep.number}"
    if ended != st.session_state.get(key):
        st.session_state[key] = ended
        refresh_catalogue()
    if polls and sweep.ended:
        st.rerun(scope="app")


def _show_overall(sweep: "Sweep", on_finished: Callable[[str], None]) -> None:
    """Show the progress of all runs together, and the button that stops or opens them."""
    bar, action = st.columns([3.4, 1], gap="medium", vertical_alignment="center")
    bar.progress(sweep.progress, text=f"**{escaped(sweep.title)}** · {_describe_sweep(sweep)}")
    kept = [job for job in sweep.jobs if job.has_checkpoint]
    if not sweep.ended:
        with action:
            stop_button(
                [job for job in sweep.jobs if not job.ended],
                f"sweep-stop-{sweep.number}",
                label="Stop all",
                on_stop=lambda _: training_queue().stop_sweep(sweep),
            )
    elif kept and action.button(
        "Show side by side",
        type="primary",
        key=f"sweep-on-{sweep.number}",
        on_click=on_finished,
        args=(kept[0].name,),
        width="stretch",
    ):
        st.rerun(scope="app")


def _describe_sweep(sweep: "Sweep") -> str:
    from vae.jobs.eta import format_duration

    counts = Counter(job.status for job in sweep.jobs)
    if not sweep.ended:
        left = sweep.seconds_left
        if left is None:
            if counts["queued"] == len(sweep.jobs):
                return "waiting in the queue"
            return "training" if counts["training"] else "reading the data"
        return f"{format_duration(left)} left" if sweep.progress < 1 else "evaluating and saving"
    kinds = [f"{counts[kind]} {kind}" for kind in ("done", "stopped", "failed") if counts[kind]]
    text = ", ".join(kinds)
    return f"{text} after {format_duration(sweep.seconds)}" if sweep.seconds else text


def _show_rows(sweep: "Sweep") -> None:
    """Show one row per run, and each error once, even if several runs have it."""
    is_long = len(sweep.jobs) > MAX_ROWS
    with st.container(gap="xxsmall", border=False, height=ROWS_HEIGHT if is_long else "content"):
        row, _ = _row_columns()
        row.html(_STYLE + _row_html("sweep-head", HEADINGS))
        for job, colour in zip(sweep.jobs, _colours(sweep), strict=True):
            row, action = _row_columns()
            row.html(_run_html(sweep, job, colour))
            if not job.ended:
                with action:
                    stop_button([job], f"sweep-stop-{sweep.number}-{job.number}")
    for message in dict.fromkeys(job.message for job in sweep.jobs if job.status == "failed"):
        show_error(message)


def _row_columns() -> "Sequence[DeltaGenerator]":
    """Return the columns of a row's numbers and of its button."""
    return st.columns([6.2, 1], gap="small", vertical_alignment="center")


def _run_html(sweep: "Sweep", job: "Job", colour: str) -> str:
    from vae.jobs.eta import format_duration

    left, latest = sweep.job_seconds_left(job), job.latest
    percent = round(100 * job.progress)
    status, label = escape(_describe_run(job)), escape(job.request.label)
    cells: tuple[Cell, ...] = (
        f'<span class="sweep-beta"><i style="background:{colour}"></i>{label}</span>',
        str(job.request.train.seed),
        f'<div><div class="sweep-state">{status}</div><div class="sweep-bar" role="progressbar" '
        f'aria-valuenow="{percent}" aria-label="{escape(job.name)}">'
        f'<div style="width:{percent}%;background:{colour}"></div></div></div>',
        ("" if left is None or job.stopping else format_duration(left),),
        (f"{latest.distortion:.1f}" if latest else "–",),
        (f"{latest.rate:.1f}" if latest else "–",),
        (describe_active_units(job),),
    )
    return _row_html("", cells)


def _row_html(kind: str, cells: Sequence[Cell]) -> str:
    inner = "".join(
        f'<span class="figure">{cell[0]}</span>'
        if isinstance(cell, tuple)
        else f"<div>{cell}</div>"
        for cell in cells
    )
    return f'<div class="sweep-row {kind}">{inner}</div>'


def _describe_run(job: "Job") -> str:
    if job.status == "stopped":
        epochs = job.request.train.epochs
        done = job.latest and f"stopped after {job.latest.epoch} of {epochs} epochs"
        return done or job.message
    if job.status == "training":
        return "stopping" if job.stopping else describe_epoch(job)
    return describe_status(job)


def _colours(sweep: "Sweep") -> list[str]:
    """Return the colour of each run, which follows its beta in all figures."""
    from vae.charts.sweep import sweep_colour

    return [sweep_colour(position) for position in sweep.beta_positions()]


def _show_charts(sweep: "Sweep") -> None:
    """Show the curves of all runs, and the rate-distortion plane."""
    marks = tuple((len(job.epochs), job.latest.step if job.latest else 0) for job in sweep.jobs)
    is_long = not sweep.ended and sweep.seconds > SHORT_SECONDS
    drawn = throttled(f"sweep-drawn-{sweep.number}", marks, is_long)
    curves, plane = _figures(sweep.number, drawn, sweep)
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        show_figure(curves, f"sweep-curves-{sweep.number}")
    with right:
        show_figure(plane, f"sweep-plane-{sweep.number}")


@st.cache_resource(max_entries=16, show_spinner=False)
def _figures(
    number: int, marks: tuple[Mark, ...], _sweep: "Sweep"
) -> "tuple[go.Figure, go.Figure]":
    """Draw both charts up to the marks, once for all sessions; number and marks are the key."""
    from vae.charts.sweep import sweep_curves, sweep_plane

    curves = [
        _curve(job, mark, position, _is_first_seed(_sweep, job))
        for job, mark, position in zip(_sweep.jobs, marks, _sweep.beta_positions(), strict=True)
    ]
    epochs = _sweep.jobs[0].request.train.epochs
    return sweep_curves(curves, epochs, CHART_HEIGHT), sweep_plane(curves, epochs, CHART_HEIGHT)


def _curve(job: "Job", mark: Mark, position: float, is_named: bool) -> "SweepCurve":
    """Return a run up to a mark: its finished epochs, and its latest report in the current one."""
    from vae.charts.sweep import SweepCurve

    epochs, step = mark
    reports, latest = job.epochs[:epochs], job.latest
    if latest and latest.step == step and not latest.ends_epoch:
        reports = [*reports, latest]
    return SweepCurve(
        job.request.label,
        position,
        [job.request.train.epochs * report.step / report.steps for report in reports],
        [report.distortion for report in reports],
        [report.rate for report in reports],
        is_named,
    )


def _show_pictures(sweep: "Sweep") -> None:
    """Show reconstructions of the same test images by each run after its last drawn epoch."""
    shown = [job for job in sweep.jobs if job.snapshots and _is_first_seed(sweep, job)]
    if not shown:
        return
    first = shown[0]
    assert first.originals is not None
    st.markdown("**The same test images** as each run reconstructs them now")
    rows = [_picture_row("originals", "originals", _strip(first.number, 0, first.originals))]
    for job in shown:
        latest = job.snapshots[-1]
        source = _strip(job.number, latest.epoch + 1, latest.reconstructions)
        rows.append(_picture_row("sweep-beta", job.request.label, source))
    st.html(f'<div class="sweep-pictures">{"".join(rows)}</div>')


def _picture_row(kind: str, label: str, source: str) -> str:
    name = escape(label)
    return f'<div class="{kind}">{name}</div><img alt="{name}" src="{source}">'


def _is_first_seed(sweep: "Sweep", job: "Job") -> bool:
    """Return whether no earlier run differs from this one in the seed alone."""
    labels = [other.request.label for other in sweep.jobs]
    return labels.index(job.request.label) == sweep.jobs.index(job)


@st.cache_resource(max_entries=200, show_spinner=False)
def _strip(number: int, mark: int, _pixels: np.ndarray) -> str:
    """Return images in a row as a data URL; the job's number and the mark are the key."""
    picture = png_bytes(tile(_pixels / 255, len(_pixels), _pixels.shape[1], gap=1))
    return f"data:image/png;base64,{b64encode(picture).decode()}"
