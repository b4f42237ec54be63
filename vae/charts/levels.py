"""The figure of hierarchical models: the rate of each level.

Example:
    figure = level_bars([3.2, 14.1])
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from vae.charts.figures import RATE_COLOUR, styled


def level_bars(rates: Sequence[float], height: int = 170) -> go.Figure:
    """Draws the rate of each level, with the top level above."""
    names = [level_name(level, len(rates)) for level in range(len(rates))]
    bars = go.Bar(
        x=list(rates),
        y=names,
        orientation="h",
        marker_color=RATE_COLOUR,
        text=[f"{rate:.3g}" for rate in rates],
        hovertemplate="%{x:.3g} nats<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_xaxes(title_text="rate (nats per test image)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(showlegend=False, bargap=0.35)
    return styled(figure, height)


def level_name(level: int, count: int) -> str:
    """Returns a name such as "level 1, top"; `level` counts from 0, names count from 1."""
    ends = {0: ", top", count - 1: ", lowest"}
    return f"level {level + 1}{ends.get(level, '')}"
