"""A sweep under way: a row a run, the curves side by side, and the rate-distortion plane."""

import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from html import escape

import streamlit as st

from pages.state.models import refresh_catalogue
from pages.state.training_queue import training_queue
from pages.ui.layout import show_error
from pages.ui.markdown import escaped
from pages.views.train.stopping import stop_button
from vae.charts.images import png_bytes, tile

POLL_SECONDS = 1.0
LIVELY_SECONDS = 30.0
LONG_REDRAW_SECONDS = 4.0
CHART_HEIGHT = 330
ROWS_AT_ONCE, ROWS_HEIGHT = 6, 300

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


def show_progress(sweep, on_finished: Callable[[str], None]) -> None:
    """Drawn anew every second until all runs have ended, then once more."""
    every = None if sweep.ended else POLL_SECONDS
    st.fragment(watch, run_every=every)(sweep, on_finished, every is not None)


def watch(sweep, on_finished: Callable[[str], None], polls: bool) -> None:
    """The whole sweep; asks for the rest of the page too once it has ended."""
    show_overall(sweep, on_finished)
    show_rows(sweep)
    show_figures(sweep)
    show_pictures(sweep)
    ended = sum(job.ended for job in sweep.jobs)
    if ended != st.session_state.get(f"sweep-ended-{sweep.number}"):
        st.session_state[f"sweep-ended-{sweep.number}"] = ended
        refresh_catalogue()
    if polls and sweep.ended:
        st.rerun(scope="app")


def show_overall(sweep, on_finished: Callable[[str], None]) -> None:
    """How far all of them are, and the button to stop them or to go on."""
    bar, action = st.columns([3.4, 1], gap="medium", vertical_alignment="center")
    bar.progress(sweep.progress, text=f"**{escaped(sweep.title)}** · {describe(sweep)}")
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


def describe(sweep) -> str:
    """The state of the whole sweep in a few words."""
    from vae.jobs.eta import format_duration

    if not sweep.ended:
        left = sweep.seconds_left
        if left is None:
            states = {job.status for job in sweep.jobs}
            if states == {"queued"}:
                return "waiting for its turn"
            return "training" if "training" in states else "reading the data"
        return f"{format_duration(left)} left" if sweep.progress < 1 else "measuring and saving"
    counts = Counter(job.status for job in sweep.jobs)
    told = ", ".join(
        f"{counts[kind]} {kind}" for kind in ("done", "stopped", "failed") if counts[kind]
    )
    return f"{told} after {format_duration(sweep.seconds)}" if sweep.seconds else told


def show_rows(sweep) -> None:
    """One row a run, under their headings, and what went wrong, once for all that it hit."""
    is_long = len(sweep.jobs) > ROWS_AT_ONCE
    with st.container(gap="xxsmall", border=False, height=ROWS_HEIGHT if is_long else "content"):
        row, _ = row_columns()
        row.html(_STYLE + row_html("sweep-head", HEADINGS))
        for job, colour in zip(sweep.jobs, sweep_colours(sweep), strict=True):
            show_row(sweep, job, colour)
    for message in dict.fromkeys(job.message for job in sweep.jobs if job.status == "failed"):
        show_error(message)


HEADINGS = ("β", "seed", "", ("time left",), ("distortion",), ("rate",), ("active",))


def row_columns():
    """Where a row's figures and its button stand."""
    return st.columns([6.2, 1], gap="small", vertical_alignment="center")


def show_row(sweep, job, colour: str) -> None:
    """One run in figures, and its button."""
    row, action = row_columns()
    row.html(run_html(sweep, job, colour))
    if not job.ended:
        with action:
            stop_button([job], f"sweep-stop-{sweep.number}-{job.number}")


def run_html(sweep, job, colour: str) -> str:
    """One run's figures in the row's columns."""
    from vae.jobs.eta import format_duration

    left, latest = sweep.job_seconds_left(job), job.latest
    units = latest.active_units if latest else None
    percent = round(100 * job.progress)
    state, label = escape(run_state(job)), escape(job.request.label)
    cells = (
        f'<span class="sweep-beta"><i style="background:{colour}"></i>{label}</span>',
        str(job.request.train.seed),
        f'<div><div class="sweep-state">{state}</div><div class="sweep-bar" role="progressbar" '
        f'aria-valuenow="{percent}" aria-label="{escape(job.name)}">'
        f'<div style="width:{percent}%;background:{colour}"></div></div></div>',
        ("" if left is None or job.stopping else format_duration(left),),
        (f"{latest.distortion:.1f}" if latest else "–",),
        (f"{latest.rate:.1f}" if latest else "–",),
        ("–" if units is None else f"{units} of {job.request.model.latent_dim}",),
    )
    return row_html("", cells)


def row_html(kind: str, cells: tuple) -> str:
    """A row of cells; those in a tuple are figures, at the right of their column."""
    inner = "".join(
        f'<span class="figure">{cell[0]}</span>'
        if isinstance(cell, tuple)
        else f"<div>{cell}</div>"
        for cell in cells
    )
    return f'<div class="sweep-row {kind}">{inner}</div>'


def run_state(job) -> str:
    """The run's state in a few words."""
    epochs = job.request.train.epochs
    done = job.latest.epoch if job.latest else 0
    if job.status == "stopped":
        return f"stopped after {done} of {epochs} epochs" if job.latest else job.message
    if job.status == "training":
        return "stopping" if job.stopping else f"epoch {min(done + 1, epochs)} of {epochs}"
    return {"loading": "reading the data", "saving": "measuring and saving"}.get(
        job.status, job.status
    )


def sweep_colours(sweep) -> list[str]:
    """Each run's colour: the same beta in all figures."""
    from vae.charts.sweep import sweep_colour

    return [sweep_colour(place) for place in sweep.beta_positions()]


def show_figures(sweep) -> None:
    """The curves of all runs, and the plane that they move in."""
    marks = marks_to_draw(sweep)
    grown, standing = sweep_figures(sweep.number, marks, sweep)
    curves, plane = st.columns([1.25, 1], gap="medium")
    bare = {"displayModeBar": False}
    curves.plotly_chart(grown, key=f"sweep-curves-{sweep.number}", config=bare)
    plane.plotly_chart(standing, key=f"sweep-plane-{sweep.number}", config=bare)


def marks_to_draw(sweep) -> tuple[tuple[int, int], ...]:
    """How far the charts show each run: its epochs and its step.

    In a long training they lag behind, since drawing them is slow.
    """
    marks = tuple((len(job.epochs), job.latest.step if job.latest else 0) for job in sweep.jobs)
    key, now = f"sweep-drawn-{sweep.number}", time.monotonic()
    drawn_at, drawn = st.session_state.get(key, (now, marks))
    is_long = sweep.seconds > LIVELY_SECONDS
    if sweep.ended or not is_long or now - drawn_at >= LONG_REDRAW_SECONDS:
        drawn_at, drawn = now, marks
    st.session_state[key] = drawn_at, drawn
    return drawn


@st.cache_resource(max_entries=16, show_spinner=False)
def sweep_figures(number: int, marks: tuple[tuple[int, int], ...], _sweep):
    """Both charts; made once for all who watch."""
    from vae.charts.sweep import sweep_curves, sweep_plane

    curves = [
        run_curve(job, epochs, step, place, job.request.label not in before)
        for job, (epochs, step), place, before in zip(
            _sweep.jobs, marks, _sweep.beta_positions(), labels_before(_sweep), strict=True
        )
    ]
    epochs = _sweep.jobs[0].request.train.epochs
    return sweep_curves(curves, epochs, CHART_HEIGHT), sweep_plane(curves, epochs, CHART_HEIGHT)


def labels_before(sweep) -> list[set[str]]:
    """For each run, the labels of those before it."""
    labels = [job.request.label for job in sweep.jobs]
    return [set(labels[:place]) for place in range(len(labels))]


def run_curve(job, epochs: int, step: int, place: float, named: bool):
    """One run up to a mark: its finished epochs, and where it is in the one under way."""
    from vae.charts.sweep import SweepCurve

    reports = job.epochs[:epochs]
    latest = job.latest
    if latest and latest.step == step and not latest.ends_epoch:
        reports = [*reports, latest]
    return SweepCurve(
        job.request.label,
        place,
        [job.request.train.epochs * report.step / report.steps for report in reports],
        [report.distortion for report in reports],
        [report.rate for report in reports],
        named,
    )


def show_pictures(sweep) -> None:
    """What each run makes of the same test images, as of its last drawn epoch."""
    shown = [job for job in sweep.jobs if job.snapshots and is_first_seed(sweep, job)]
    if not shown:
        return
    st.markdown("**The same test images** through each run as it stands")
    rows = [picture_row("originals", "originals", strip(shown[0].number, 0, shown[0].originals))]
    for job in shown:
        latest = job.snapshots[-1]
        source = strip(job.number, latest.epoch + 1, latest.reconstructions)
        rows.append(picture_row("sweep-beta", job.request.label, source))
    st.html(f'<div class="sweep-pictures">{"".join(rows)}</div>')


def picture_row(kind: str, label: str, source: str) -> str:
    """A name and its images."""
    name = escape(label)
    return f'<div class="{kind}">{name}</div><img alt="{name}" src="{source}">'


def is_first_seed(sweep, job) -> bool:
    """Whether no run before it differs in its seed alone."""
    labels = [other.request.label for other in sweep.jobs]
    return labels.index(job.request.label) == sweep.jobs.index(job)


@st.cache_resource(max_entries=200, show_spinner=False)
def strip(number: int, mark: int, _pixels) -> str:
    """Images side by side, as a link that holds them; made once for all who watch."""
    picture = png_bytes(tile(_pixels / 255, len(_pixels), _pixels.shape[1], gap=1))
    return f"data:image/png;base64,{b64encode(picture).decode()}"
