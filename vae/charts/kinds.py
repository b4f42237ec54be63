"""Figures of the page Kinds of model: codes by class, and accuracies of generated classes.

Example:
    figure = accuracy_bars(["cat", "dog"], [0.9, 0.7])
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, escaped, styled, styled_plane


def codes_by_class(
    points: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, "n"],
    class_names: Sequence[str],
    axes: tuple[str, str],
    height: int = 380,
) -> go.Figure:
    """Draws codes on a plane, coloured by class (-1: no class); both axes have one scale."""
    figure = go.Figure()
    for label in np.unique(labels):
        mine = points[labels == label]
        known = 0 <= label < len(class_names)
        figure.add_scatter(
            x=mine[:, 0],
            y=mine[:, 1],
            mode="markers",
            name=escaped(class_names[label]) if known else "no class",
            marker={
                "size": 3,
                "color": CLASS_COLOURS[label % 10] if known else INACTIVE_COLOUR,
            },
            hoverinfo="name",
        )
    return styled_plane(figure, axes, height).update_layout(legend={"itemsizing": "constant"})


def accuracy_bars(
    class_names: Sequence[str], accuracies: Sequence[float], height: int = 220
) -> go.Figure:
    """Draws a share (0 to 1) for each class in percent, on a scale up to 100 %."""
    percent = [100 * accuracy for accuracy in accuracies]
    figure = go.Figure(
        go.Bar(
            x=[escaped(name) for name in class_names],
            y=percent,
            marker_color=[CLASS_COLOURS[i % 10] for i in range(len(percent))],
            hovertemplate="%{y:.1f} %",
        )
    )
    figure.update_xaxes(title_text="class asked for", type="category")
    figure.update_yaxes(title_text="recognised as such (%)", range=[0, 100])
    figure.update_layout(showlegend=False, bargap=0.25)
    return styled(figure, height)
