"""Figures of codebooks: the grid of an image's codes, and the frequency of each code.

Example:
    figure = usage_bars(counts=[120, 45, 0, 3])
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Int

from vae.charts.figures import INACTIVE_COLOUR, RATE_COLOUR, styled

SCALE = "Viridis"
"""The colour scale; its lightness rises, so it is readable without colour."""


def code_grid(
    codes: Int[np.ndarray, "h w"],
    order: Int[np.ndarray, "codes"],
    marked: tuple[int, int] | None = None,
    height: int = 330,
) -> go.Figure:
    """Draws a square with the code's number at each position, coloured by its rank in `order`.

    Each square is a selectable point; the points are numbered row by row.
    """
    rows, columns = codes.shape
    down, across = np.indices(codes.shape).reshape(2, -1)
    ranks = order[codes.ravel()]
    size = 0.80 * height / max(rows, columns)
    outline = [3 if (r, c) == marked else 0 for r, c in zip(down, across, strict=True)]
    light = ranks > 0.6 * len(order)
    marks = go.Scatter(
        x=across,
        y=down,
        mode="markers+text",
        text=[str(code) for code in codes.ravel()],
        textfont={"size": 11, "color": ["black" if on else "white" for on in light]},
        marker={
            "symbol": "square",
            "size": size,
            "color": ranks,
            "colorscale": SCALE,
            "cmin": 0,
            "cmax": len(order) - 1,
            "line": {"width": outline, "color": "#e76300"},
            "opacity": 1,
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate="row %{y}, column %{x}: code %{text}<extra></extra>",
    )
    figure = styled(go.Figure(marks), height)
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.55, columns - 0.45], **axis)
    figure.update_yaxes(range=[rows - 0.45, -0.55], **axis)
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, clickmode="event+select", dragmode=False
    )
    return figure


def usage_bars(counts: Sequence[int], height: int = 200) -> go.Figure:
    """Draws the share of each code, most frequent first, and marks unused codes at 0."""
    order = np.argsort(counts)[::-1]
    total = max(1, int(np.sum(counts)))
    shares = [100 * int(counts[i]) / total for i in order]
    names = [str(i) for i in order]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=shares,
            marker_color=RATE_COLOUR,
            hovertemplate="code %{x}: %{y:.2g} %<extra></extra>",
        )
    )
    dead = [name for name, share in zip(names, shares, strict=True) if not share]
    if dead:
        mark = {"symbol": "x-thin", "size": 6, "line": {"width": 1.5, "color": INACTIVE_COLOUR}}
        figure.add_scatter(x=dead, y=[0] * len(dead), mode="markers", marker=mark, name="dead")
    figure.update_xaxes(title_text="code, by frequency", type="category", showticklabels=False)
    figure.update_yaxes(title_text="share of all positions (%)", rangemode="tozero")
    figure.update_layout(showlegend=False, bargap=0.15)
    return styled(figure, height)
