"""The figure of the page Failures: training losses.

Example:
    figure = loss_curves({"learning rate 10": [900.0, 850.0], "learning rate 1e-3": [300.0, 140.0]})
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from vae.charts.figures import CLASS_COLOURS, styled

LEAP = 10
"""Losses that differ by more than this factor get a logarithmic axis."""


def loss_curves(losses: Mapping[str, Sequence[float]], height: int = 190) -> go.Figure:
    """Draws the training loss of each named run against the epoch, which counts from 1."""
    figure = go.Figure()
    for (name, values), colour in zip(losses.items(), CLASS_COLOURS[2::-2], strict=False):
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=list(values),
            name=name,
            mode="lines",
            line_color=colour,
            hovertemplate="%{y:,.4g} nats",
        )
    drawn = [value for values in losses.values() for value in values]
    leaps = bool(drawn) and min(drawn) > 0 and max(drawn) > LEAP * min(drawn)
    figure.update_xaxes(title_text="epoch")
    figure.update_yaxes(title_text="training loss<br>nats per image")
    if leaps:
        figure.update_yaxes(type="log", dtick=max(1, len(str(int(max(drawn)))) // 4))
    figure.update_layout(showlegend=True)
    return styled(figure, height)
