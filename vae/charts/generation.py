"""The figure of the page Generate: measures of samples against the temperature.

Example:
    figure = temperature_curves([0.5, 1.0], {"recognised": [0.99, 0.8]}, 1.0)
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, styled


def temperature_curves(
    temperatures: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    marked: float,
    height: int = 250,
) -> go.Figure:
    """Draws shares (0 to 1) in percent against the temperature and marks one of them."""
    figure = go.Figure()
    for index, (name, values) in enumerate(shares.items()):
        figure.add_scatter(
            x=list(temperatures),
            y=[100 * value for value in values],
            name=name,
            mode="lines+markers",
            line_color=CLASS_COLOURS[(0, 1, 4)[index % 3]],
            hovertemplate="%{y:.1f} %",
        )
    figure.add_vline(x=marked, line={"color": INACTIVE_COLOUR, "dash": "dot"})
    figure.update_xaxes(title_text="temperature", range=[0, 2])
    figure.update_yaxes(title_text="% of images", range=[-3, 103])
    return styled(figure, height)
