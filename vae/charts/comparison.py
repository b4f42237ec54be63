"""Figures that compare many models by beta, objective and seed.

Example:
    line = MeasureLine("β-VAE", betas=(1.0, 4.0), seeds=((1, 2), (1,)), values=((0.2, 0.3), (0.4,)))
    figure = measure_panels({"MIG": [line]})
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median

import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from vae.charts.figures import (
    CLASS_COLOURS,
    INACTIVE_COLOUR,
    RATE_COLOUR,
    escaped,
    shrink_titles,
    styled,
)

BETA_SCALE = "Viridis"
SCALE_ENDS = 0.2, 0.88
"""The used part of the scale: its ends would fade into the light or the dark background."""

PANEL_COLUMNS = 3
LINES = (
    {"color": CLASS_COLOURS[0], "symbol": "circle", "dash": "solid"},
    {"color": CLASS_COLOURS[6], "symbol": "diamond", "dash": "dash"},
)


@dataclass(frozen=True)
class Cluster:
    """The runs of one setting on the rate-distortion plane, in nats per test image."""

    label: str
    beta: float
    objective: str
    """The displayed name of the objective; each objective has its own marker."""

    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    distortions: tuple[float, ...]


@dataclass(frozen=True)
class RateDistortionCurve:
    """The curve of a multi-rate model on the rate-distortion plane."""

    betas: Sequence[float]
    rates: Sequence[float]
    distortions: Sequence[float]


@dataclass(frozen=True)
class MeasureLine:
    """One measure of one objective, with a value for each seed of each beta."""

    objective: str
    betas: tuple[float, ...]
    seeds: tuple[tuple[int, ...], ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RateBars:
    """The rates of one model's latents in nats per test image, highest first."""

    title: str
    rates: tuple[float, ...]
    active: tuple[bool, ...]


def rate_distortion_plane(
    clusters: Sequence[Cluster], curves: Mapping[str, RateDistortionCurve], height: int = 400
) -> go.Figure:
    """Draws every run as a point coloured by beta, and the line of the best ELBO (slope -1)."""
    figure = go.Figure()
    drawn: list[Cluster | RateDistortionCurve] = [*clusters, *curves.values()]
    rates = [rate for each in drawn for rate in each.rates]
    distortions = [distortion for each in drawn for distortion in each.distortions]
    across, up = [0.0, max(0.1, 1.15 * max(rates))], _padded(distortions)
    _add_tangent(figure, rates, distortions, across, up)
    for name, curve in curves.items():
        _add_curve(figure, name, curve)
    colours = beta_colours([cluster.beta for cluster in clusters])
    objectives = list(dict.fromkeys(cluster.objective for cluster in clusters))
    for cluster, colour in zip(clusters, colours, strict=True):
        _add_cluster(figure, cluster, colour, objectives.index(cluster.objective))
    for index, objective in enumerate(objectives):
        marker = _marker(INACTIVE_COLOUR, index)
        figure.add_scatter(x=[None], y=[None], mode="markers", name=objective, marker=marker)
    figure.update_xaxes(title_text="rate (nats per test image)", range=across)
    figure.update_yaxes(title_text="distortion (nats per test image)", range=up)
    return styled(figure, height)


def rate_bars_by_setting(
    models: Sequence[RateBars], columns: int, row_height: int = 120
) -> go.Figure:
    """Draws the rates of several models on one scale, one panel each; inactive latents grey."""
    rows = -(-len(models) // columns)
    height = row_height * rows + 60
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes=True,
        shared_yaxes="all",
        subplot_titles=[model.title for model in models],
        horizontal_spacing=0.03,
        vertical_spacing=min(0.3, 34 / height),
    )
    for index, model in enumerate(models):
        colours = [RATE_COLOUR if on else INACTIVE_COLOUR for on in model.active]
        # The outline keeps the bar of a latent without rate visible.
        outline = {"color": colours, "width": 1}
        figure.add_bar(
            x=list(range(1, len(model.rates) + 1)),
            y=model.rates,
            marker={"color": colours, "line": outline},
            hovertemplate="latent of rank %{x}: %{y:.3g} nats<extra></extra>",
            row=index // columns + 1,
            col=index % columns + 1,
        )
    highest = max(max(model.rates) for model in models)
    figure.update_yaxes(range=[0, max(0.1, 1.1 * highest)], nticks=4)
    figure.update_yaxes(title_text="nats", col=1)
    figure.update_xaxes(showticklabels=False)
    figure.update_layout(showlegend=False, bargap=0.2)
    shrink_titles(figure, 12)
    return styled(figure, height)


def measure_panels(panels: Mapping[str, Sequence[MeasureLine]], row_height: int = 205) -> go.Figure:
    """Draws measures against beta, one panel each: a point for each seed, a line for medians."""
    columns = min(PANEL_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    height = row_height * rows + 90
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=list(panels),
        horizontal_spacing=0.07,
        vertical_spacing=min(0.4, 64 / height),
    )
    betas = sorted({beta for lines in panels.values() for line in lines for beta in line.betas})
    for index, lines in enumerate(panels.values()):
        subplot = {"row": index // columns + 1, "col": index % columns + 1}
        for line, style in zip(lines, cycle(LINES), strict=False):
            _add_line(figure, line, _log_positions(line.betas, betas), style, subplot)
    figure.update_xaxes(tickvals=_log_positions(betas, betas), range=_log_range(betas))
    figure.update_xaxes(ticktext=[f"{beta:g}" for beta in betas])
    for index in range(max(0, len(panels) - columns), len(panels)):
        figure.update_xaxes(title_text="β", row=index // columns + 1, col=index % columns + 1)
    figure.update_yaxes(rangemode="tozero", nticks=6)
    shrink_titles(figure, 13)
    styled(figure, height)
    # The legend lies above the titles of the panels.
    return figure.update_layout(margin_t=70, legend_y=1 + 26 / (height - 130))


def share_map(
    columns: Sequence[str],
    rows: Sequence[str],
    shares: Sequence[Sequence[float]],
    row_height: int = 30,
) -> go.Figure:
    """Draws shares from 0 to 1 as a heat map with numbers; the first row is on top."""
    figure = go.Figure(
        go.Heatmap(
            x=[escaped(column) for column in columns],
            y=list(rows),
            z=[list(row) for row in shares],
            zmin=0,
            zmax=1,
            colorscale="Cividis",
            texttemplate="%{z:.2f}",
            xgap=2,
            ygap=2,
            colorbar={"title": {"text": "share of the factor's entropy", "side": "right"}},
            hovertemplate="%{y} tells %{z:.1%} of %{x}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", title_text="latent, rate in nats")
    figure.update_xaxes(side="top", title_text="factor")
    return styled(figure, 110 + row_height * len(rows))


def beta_colours(betas: Sequence[float]) -> list[str]:
    """Returns a colour for each beta by its logarithm, from a colour-blind-safe scale."""
    positions = _log_positions(betas, betas)
    low, high = min(positions, default=0.0), max(positions, default=0.0)
    start, end = SCALE_ENDS
    shares = [(position - low) / (high - low) if high > low else 0.5 for position in positions]
    return sample_colorscale(BETA_SCALE, [start + share * (end - start) for share in shares])


def _add_tangent(
    figure: go.Figure,
    rates: Sequence[float],
    distortions: Sequence[float],
    across: Sequence[float],
    up: Sequence[float],
) -> None:
    best = min(rate + distortion for rate, distortion in zip(rates, distortions, strict=True))
    ends = max(across[0], best - up[1]), min(across[1], best - up[0])
    figure.add_scatter(
        x=list(ends),
        y=[best - x for x in ends],
        mode="lines",
        name=f"slope −1: the best ELBO, {_signed(-best)} nats",
        line={"color": INACTIVE_COLOUR, "dash": "dot", "width": 2},
        hoverinfo="skip",
    )


def _add_curve(figure: go.Figure, name: str, curve: RateDistortionCurve) -> None:
    figure.add_scatter(
        x=list(curve.rates),
        y=list(curve.distortions),
        text=[f"β {beta:.3g}" for beta in curve.betas],
        mode="lines",
        name=name,
        line={"color": CLASS_COLOURS[2], "width": 2},
        hovertemplate=f"{name}, %{{text}}<br>{_HOVER}<extra></extra>",
    )


_HOVER = "rate %{x:.1f}, distortion %{y:.1f} nats"


def _add_cluster(figure: go.Figure, cluster: Cluster, colour: str, index: int) -> None:
    figure.add_scatter(
        x=cluster.rates,
        y=cluster.distortions,
        text=[f"{cluster.label}, seed {seed}" for seed in cluster.seeds],
        mode="markers",
        name=cluster.label,
        showlegend=False,
        marker=_marker(colour, index),
        hovertemplate=f"%{{text}}<br>{_HOVER}<extra></extra>",
    )
    above = index == 0
    figure.add_annotation(
        x=median(cluster.rates),
        y=median(cluster.distortions),
        text=cluster.label,
        showarrow=False,
        xanchor="left" if above else "center",
        xshift=8 if above else -14,
        yshift=10 if above else -24,
    )


def _marker(colour: str, index: int) -> dict[str, object]:
    symbol = LINES[index % len(LINES)]["symbol"]
    return {"size": 11, "color": colour, "symbol": symbol, "line": {"color": "#888", "width": 1}}


def _add_line(
    figure: go.Figure,
    line: MeasureLine,
    positions: list[float],
    style: Mapping[str, str],
    subplot: Mapping[str, int],
) -> None:
    middles = [median(values) for values in line.values]
    figure.add_scatter(
        x=positions,
        y=middles,
        mode="lines",
        name=f"{line.objective}: median; each point is a seed",
        legendgroup=line.objective,
        showlegend=subplot == {"row": 1, "col": 1},
        line={"color": style["color"], "dash": style["dash"], "width": 2},
        hoverinfo="skip",
        **subplot,
    )
    each = list(zip(positions, line.betas, line.seeds, line.values, strict=True))
    figure.add_scatter(
        x=[x for x, _, _, values in each for _ in values],
        y=[value for *_, values in each for value in values],
        text=[f"β {beta:g}, seed {seed}" for _, beta, seeds, _ in each for seed in seeds],
        mode="markers",
        name=line.objective,
        legendgroup=line.objective,
        showlegend=False,
        marker={"color": style["color"], "symbol": style["symbol"], "size": 7, "opacity": 0.65},
        hovertemplate=f"{line.objective}, %{{text}}: %{{y:.4g}}<extra></extra>",
        **subplot,
    )


def _log_positions(betas: Sequence[float], among: Sequence[float]) -> list[float]:
    """Returns the logarithms; a beta of 0 lies half a decade below the lowest other beta."""
    logs = [math.log10(beta) for beta in among if beta > 0]
    zero = min(logs, default=0.0) - 0.5
    return [math.log10(beta) if beta > 0 else zero for beta in betas]


def _log_range(betas: Sequence[float]) -> list[float]:
    positions = _log_positions(betas, betas)
    low, high = min(positions, default=0.0), max(positions, default=0.0)
    margin = max(0.1, 0.1 * (high - low))
    return [low - margin, high + margin]


def _padded(values: Sequence[float]) -> list[float]:
    margin = max(0.5, 0.12 * (max(values) - min(values)))
    return [min(values) - margin, max(values) + margin]


def _signed(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")
