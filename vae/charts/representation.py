"""Figures of the class information in codes, by latent size.

Example:
    panel = MeasurePanel("Accuracy", "%", False, {"codes": [[91.0], [95.0]]})
    figure = latent_size_panels([2, 8], [panel])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.charts.figures import (
    CLASS_COLOURS,
    DISTORTION_COLOUR,
    INACTIVE_COLOUR,
    RATE_COLOUR,
    shrink_titles,
    styled,
)

CODES_COLOUR, PCA_COLOUR, PIXELS_COLOUR = CLASS_COLOURS[0], CLASS_COLOURS[1], INACTIVE_COLOUR
ELBO_COLOUR, UNITS_COLOUR = CLASS_COLOURS[2], CLASS_COLOURS[4]
STYLES = {
    "codes": (CODES_COLOUR, "solid", "circle"),
    "PCA": (PCA_COLOUR, "dash", "square"),
    "pixels": (PIXELS_COLOUR, "dot", "line-ew"),
    "−ELBO": (ELBO_COLOUR, "solid", "diamond"),
    "distortion": (DISTORTION_COLOUR, "dash", "circle"),
    "rate": (RATE_COLOUR, "dot", "square"),
    "active units": (UNITS_COLOUR, "solid", "circle"),
    "all units": (INACTIVE_COLOUR, "dot", "line-ew"),
}
"""The colour, the dash and the symbol of each series, the same in every panel."""


@dataclass(frozen=True)
class MeasurePanel:
    """One measure, to be drawn against the latent size."""

    title: str
    unit: str
    from_zero: bool
    """Whether the axis starts at 0."""

    series: dict[str, Sequence[Sequence[float]]]
    """The values by name of `STYLES`: for each latent size, one value for each seed."""


def latent_size_panels(
    sizes: Sequence[int],
    panels: Sequence[MeasurePanel],
    marked: int | None = None,
    columns: int = 3,
    height: int = 430,
) -> go.Figure:
    """Draws each measure against the latent size (logarithmic): medians as a line, seeds as points.

    A vertical line marks the latent size `marked`, if it lies in the range.
    """
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[f"{panel.title} ({panel.unit})" for panel in panels],
        horizontal_spacing=0.065,
        vertical_spacing=0.2,
    )
    for index, panel in enumerate(panels):
        row, column = index // columns + 1, index % columns + 1
        for name, values in panel.series.items():
            _add_series(figure, sizes, name, values, {"row": row, "col": column})
        if panel.from_zero:
            figure.update_yaxes(rangemode="tozero", row=row, col=column)
    figure.update_xaxes(type="log", tickvals=list(sizes), ticktext=[str(size) for size in sizes])
    figure.update_xaxes(title_text="latent size", row=rows)
    figure.update_yaxes(nticks=6)
    if marked is not None and min(sizes) <= marked <= max(sizes):
        line = {"color": INACTIVE_COLOUR, "width": 1, "dash": "dash"}
        figure.add_vline(marked, line=line, row="all", col="all")
    shrink_titles(figure, 13)
    return styled(figure, height).update_layout(margin_t=64, legend_y=1 + 26 / (height - 110))


def _add_series(
    figure: go.Figure,
    sizes: Sequence[int],
    name: str,
    values: Sequence[Sequence[float]],
    subplot: dict[str, int],
) -> None:
    """Adds the medians as a line and the seeds as points; the first series of a name is listed."""
    colour, dash, symbol = STYLES[name]
    figure.add_scatter(
        x=list(sizes),
        y=[median(each) for each in values],
        name=name,
        legendgroup=name,
        showlegend=all(trace.name != name for trace in figure.data),
        mode="lines",
        line={"color": colour, "dash": dash, "width": 2},
        hovertemplate=f"{name}, %{{x}} numbers: %{{y:.4g}}<extra></extra>",
        **subplot,
    )
    if all(len(each) < 2 for each in values):
        return
    figure.add_scatter(
        x=[size for size, each in zip(sizes, values, strict=True) for _ in each],
        y=[value for each in values for value in each],
        name=name,
        legendgroup=name,
        showlegend=False,
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 5, "opacity": 0.7},
        hoverinfo="skip",
        **subplot,
    )
