"""Figures of the page Few labels: errors, accuracies, and class probabilities.

Example:
    figure = error_dots({"linear probe": [0.21, 0.19]}, published={"M1+M2": 0.033})
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, escaped, shrink_titles, styled

OWN, PUBLISHED = CLASS_COLOURS[0], CLASS_COLOURS[2]
LINES = ((INACTIVE_COLOUR, "circle"), (CLASS_COLOURS[1], "diamond"), (CLASS_COLOURS[0], "square"))
SPREAD = 0.04
"""The horizontal offset between kinds of training set, in decades of the number of images."""


@dataclass(frozen=True)
class AccuracyLine:
    """The accuracies (0 to 1) of one kind of training set, for each sample of each size."""

    name: str
    sizes: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]


def error_dots(
    errors: Mapping[str, Sequence[float]], published: Mapping[str, float], height: int = 300
) -> go.Figure:
    """Draws errors (0 to 1) in percent by method, best on top: points, and a tick for the mean."""
    figure = go.Figure()
    errors = {escaped(name): values for name, values in errors.items()}
    names = sorted(errors, key=lambda name: -statistics.fmean(errors[name]))
    figure.add_scatter(
        x=[100 * statistics.fmean(errors[name]) for name in names],
        y=names,
        mode="markers",
        name="mean",
        marker={"symbol": "line-ns-open", "size": 22, "color": OWN, "line": {"width": 3}},
        hovertemplate="%{y}: %{x:.1f} % on average<extra></extra>",
    )
    figure.add_scatter(
        x=[100 * value for name in names for value in errors[name]],
        y=[name for name in names for _ in errors[name]],
        mode="markers",
        name="one draw of labels",
        marker={"size": 8, "color": OWN, "opacity": 0.6},
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )
    shown = [name for name in names if name in published]
    if shown:
        figure.add_scatter(
            x=[100 * published[name] for name in shown],
            y=shown,
            mode="markers",
            name="published",
            marker={"symbol": "diamond-open", "size": 11, "color": PUBLISHED, "line_width": 2},
            hovertemplate="%{y}, published: %{x:.1f} %<extra></extra>",
        )
    highest = max(100 * value for values in errors.values() for value in values)
    figure.update_xaxes(title_text="test images it gets wrong (%)", range=[0, 1.1 * highest])
    figure.update_yaxes(categoryorder="array", categoryarray=names)
    return styled(figure, height)


def accuracy_panels(panels: Mapping[str, Sequence[AccuracyLine]], height: int = 340) -> go.Figure:
    """Draws accuracy in percent against the number of images, one panel for each classifier."""
    figure = make_subplots(
        1, len(panels), shared_yaxes=True, subplot_titles=list(panels), horizontal_spacing=0.04
    )
    for column, lines in enumerate(panels.values(), start=1):
        for index, line in enumerate(lines):
            _add_line(figure, line, index, column)
    sizes = sorted({size for lines in panels.values() for line in lines for size in line.sizes})
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=list(map(str, sizes)))
    figure.update_xaxes(title_text="labelled images", minor_ticks="")
    figure.update_yaxes(title_text="test accuracy (%)", col=1)
    shrink_titles(figure, 13)
    styled(figure, height)
    return figure.update_layout(margin_t=70, legend_y=1 + 26 / (height - 110))


def _add_line(figure: go.Figure, line: AccuracyLine, index: int, column: int) -> None:
    """Adds every sample as a point and the means as a line, with a horizontal offset."""
    colour, symbol = LINES[index % len(LINES)]
    offset = 10 ** (SPREAD * (index - 1))
    common = {"legendgroup": line.name, "showlegend": False}
    figure.add_scatter(
        x=[offset * size for size in line.sizes for _ in line.values[0]],
        y=[100 * value for values in line.values for value in values],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 6, "opacity": 0.5},
        hovertemplate=f"{escaped(line.name)}: %{{y:.1f}} %<extra></extra>",
        row=1,
        col=column,
        **common,
    )
    figure.add_scatter(
        x=[offset * size for size in line.sizes],
        y=[100 * statistics.fmean(values) for values in line.values],
        mode="lines+markers",
        name=escaped(line.name),
        line={"color": colour, "width": 2},
        marker={"symbol": symbol, "size": 9},
        hovertemplate=f"{escaped(line.name)}: %{{y:.1f}} % on average<extra></extra>",
        row=1,
        col=column,
        **(common | {"showlegend": column == 1}),
    )


def guess_map(
    class_names: Sequence[str], probabilities: Sequence[Sequence[float]], height: int = 190
) -> go.Figure:
    """Draws class probabilities (0 to 1) as a heat map with one column for each image."""
    columns = [str(index + 1) for index in range(len(probabilities))]
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=[escaped(name) for name in class_names],
            z=[[100 * float(p[label]) for p in probabilities] for label in range(len(class_names))],
            zmin=0,
            zmax=100,
            colorscale="Cividis",
            xgap=2,
            ygap=2,
            colorbar={"title": {"text": "q(y|x) (%)", "side": "right"}, "thickness": 12},
            hovertemplate="image %{x}: class %{y} with %{z:.0f} %<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", showticklabels=False)
    figure.update_yaxes(type="category", autorange="reversed", title_text="class", dtick=1)
    return styled(figure, height)
