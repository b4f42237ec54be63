"""Figures of a sweep during training: the curves of all runs and the rate-distortion plane.

Example:
    curve = SweepCurve("β 4", 1.0, epochs=[1, 2], distortion=[150.0, 120.0], rate=[3.0, 8.0])
    figure = sweep_plane([curve], epochs=10)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from vae.charts.figures import INACTIVE_COLOUR, evenly_spaced, styled

MAX_POINTS = 80
LABEL_PIXELS, AROUND_PIXELS = 14, 70
DOMAINS = {"y": (0.56, 1.0), "y2": (0.0, 0.44)}
"""The vertical span of each axis, as shares of the figure: distortion above rate."""

_RAMP = ((45, 105, 215), (125, 90, 205), (196, 72, 150), (225, 95, 70), (222, 145, 20))
"""Blue over magenta to orange: ordered also for colour-blind eyes, visible on white and black."""


@dataclass(frozen=True)
class SweepCurve:
    """One run so far: means since the previous point, in nats per training image."""

    label: str
    position: float
    """The rank of its beta in the sweep, from 0 (lowest) to 1 (highest)."""

    epochs: Sequence[float]
    distortion: Sequence[float]
    rate: Sequence[float]
    named: bool = True
    """Whether the figure labels it; one of several seeds is enough."""

    @property
    def colour(self) -> str:
        """The colour, the same in every figure."""
        return sweep_colour(self.position)


def sweep_colour(position: float) -> str:
    """Returns a colour by the rank of a beta in the sweep, 0 to 1."""
    at = min(max(position, 0.0), 1.0) * (len(_RAMP) - 1)
    index = min(int(at), len(_RAMP) - 2)
    mixed = (
        round(a + (at - index) * (b - a))
        for a, b in zip(_RAMP[index], _RAMP[index + 1], strict=True)
    )
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def sweep_curves(curves: Sequence[SweepCurve], epochs: int, height: int = 330) -> go.Figure:
    """Draws distortion above rate against the epoch; the axis spans the whole training.

    The name of each curve is at the right, at the curve's current height.
    """
    figure = go.Figure()
    begun = [curve for curve in curves if len(curve.epochs)]
    _add_panel(figure, begun, [curve.distortion for curve in begun], "y", height)
    _add_panel(figure, begun, [curve.rate for curve in begun], "y2", height)
    figure.update_layout(
        xaxis={"title": "epoch", "anchor": "y2", "range": [0, max(epochs, 2)]},
        yaxis_title="distortion<br>nats per image",
        yaxis2_title="rate<br>nats per image",
        hovermode="x unified",
        showlegend=False,
    )
    figure.update_yaxes(showticklabels=bool(begun))
    return styled(figure, height).update_layout(margin_r=56, margin_t=10)


def _add_panel(
    figure: go.Figure,
    curves: Sequence[SweepCurve],
    values: Sequence[Sequence[float]],
    axis: str,
    height: int,
) -> None:
    """Adds one line for each run and the names at the right."""
    for curve, series in zip(curves, values, strict=True):
        shown = evenly_spaced(len(series), MAX_POINTS)
        figure.add_scatter(
            x=[curve.epochs[index] for index in shown],
            y=[series[index] for index in shown],
            yaxis=axis,
            mode="lines",
            line={"color": curve.colour, "width": 2},
            name=curve.label,
            hovertemplate="%{y:.1f} nats",
        )
    domain = DOMAINS[axis]
    low, high = _range(values, from_zero=axis == "y2")
    figure.update_layout({f"yaxis{axis[1:]}": {"domain": domain, "range": [low, high]}})
    named = [(curve, s) for curve, s in zip(curves, values, strict=True) if curve.named]
    gap = LABEL_PIXELS / ((domain[1] - domain[0]) * max(1, height - AROUND_PIXELS))
    heights = _spread([(series[-1] - low) / (high - low) for _, series in named], gap)
    for (curve, _), at in zip(named, heights, strict=True):
        figure.add_annotation(
            text=curve.label,
            font={"color": curve.colour, "size": 12},
            x=1.01,
            xref="paper",
            xanchor="left",
            yanchor="middle",
            y=at,
            yref=f"{axis} domain",
            showarrow=False,
        )


def _range(values: Sequence[Sequence[float]], from_zero: bool) -> tuple[float, float]:
    """Returns the range of all values with a margin."""
    every = [value for series in values for value in series] or [0.0, 1.0]
    low, high = 0.0 if from_zero else min(every), max(every)
    margin = 0.06 * (high - low) or 1.0
    return low - (0.0 if from_zero else margin), high + margin


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Moves heights (0 to 1) apart until no two are closer than `gap`.

    The gap shrinks where there is not enough space.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    gap = min(gap, 1 / max(1, len(order) - 1))
    placed: list[float] = []
    for index in order:
        placed.append(max(heights[index], placed[-1] + gap) if placed else heights[index])
    ceiling = 1.0
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    moved = dict(zip(order, placed, strict=True))
    return [moved[index] for index in range(len(heights))]


def sweep_plane(curves: Sequence[SweepCurve], epochs: int, height: int = 330) -> go.Figure:
    """Draws the position and the path of each run, and a line through all runs by rising beta.

    The paths omit the first epochs, which are far away and nearly equal for all runs.
    """
    figure = go.Figure()
    begun = [curve for curve in curves if len(curve.rate)]
    for curve in begun:
        path = [index for index, epoch in enumerate(curve.epochs) if epoch > epochs / 20]
        shown = [path[index] for index in evenly_spaced(len(path), MAX_POINTS)]
        figure.add_scatter(
            x=[curve.rate[index] for index in shown],
            y=[curve.distortion[index] for index in shown],
            mode="lines",
            line={"color": curve.colour, "width": 1.25},
            opacity=0.5,
            hoverinfo="skip",
        )
    named = [curve for curve in begun if curve.named]
    figure.add_scatter(
        x=[curve.rate[-1] for curve in named],
        y=[curve.distortion[-1] for curve in named],
        mode="lines",
        line={"color": INACTIVE_COLOUR, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[curve.rate[-1] for curve in begun],
        y=[curve.distortion[-1] for curve in begun],
        mode="markers+text",
        text=[curve.label if curve.named else "" for curve in begun],
        textposition="top right",
        marker={"size": 12, "color": [curve.colour for curve in begun]},
        customdata=[curve.label for curve in begun],
        hovertemplate="%{customdata}<br>rate %{x:.1f}, distortion %{y:.1f} nats<extra></extra>",
        cliponaxis=False,
    )
    figure.update_xaxes(showticklabels=bool(begun))
    widest = max((value for trace in figure.data for value in trace.x), default=1.0)
    figure.update_layout(
        xaxis={"title": "rate (nats per image)", "range": [-0.04 * widest, 1.2 * widest]},
        yaxis={"title": "distortion (nats per image)", "showticklabels": bool(begun)},
        showlegend=False,
    )
    return styled(figure, height).update_layout(margin_t=10)
