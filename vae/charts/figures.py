"""Draws the plotly figures that several pages share, and holds the common colours and style.

Backgrounds are transparent and text takes the page's colours, so one figure serves both themes.

Example:
    figure = rate_bars(dimensions=[0, 1], rates=[3.2, 0.0], active=[True, False])
"""

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

CLASS_COLOURS = (
    "#3f90da #ffa90e #bd1f01 #e066a8 #832db6 #a96b59 #e76300 #b9ac70 #6b63e0 #92dadd".split()
)
"""Ten class colours for all eyes, after Petroff 2021, "Accessible Color Sequences for Data
Visualization".

Pink and indigo replace its two greys, which look alike on a projector. This also increases the
smallest difference between two colours, for normal and for colour-blind vision
(`tests/charts/test_class_colours.py`).
"""

DISTORTION_COLOUR, RATE_COLOUR = CLASS_COLOURS[:2]
INACTIVE_COLOUR = "#888888"

MAX_CURVE_POINTS = 150
MAX_MARKERS = 40


def escaped(name: str) -> str:
    """Returns a name with HTML escaped, because plotly interprets HTML."""
    return html.escape(name, quote=False)


def training_curves(
    epochs: Sequence[float],
    distortion: Sequence[float],
    rate: Sequence[float],
    validation: Sequence[tuple[float, float]] | None,
) -> go.Figure:
    """Draws distortion above rate against the epoch; lines of held-out images are dotted.

    At most about `MAX_CURVE_POINTS` epochs are drawn, evenly spaced and with the last one, because
    the browser redraws them while the model trains.
    """
    figure = go.Figure()
    shown = evenly_spaced(len(epochs), MAX_CURVE_POINTS)
    x = [epochs[i] for i in shown]
    mode = "lines+markers" if len(shown) <= MAX_MARKERS else "lines"
    rows = (("Distortion", distortion, DISTORTION_COLOUR), ("Rate", rate, RATE_COLOUR))
    for row, (name, values, colour) in enumerate(rows):
        axis = {"yaxis": "y" if row == 0 else "y2", "mode": mode, "x": x}
        trained = [values[i] for i in shown]
        figure.add_scatter(y=trained, name=f"{name}, training", line_color=colour, **axis)
        if validation:
            held_out = [validation[i][row] for i in shown]
            line = {"color": colour, "dash": "dot"}
            figure.add_scatter(y=held_out, name=f"{name}, held out", line=line, **axis)
    figure.update_traces(marker_size=4)
    whole_epochs = max(1, round(max(epochs, default=1) / 6))
    figure.update_layout(
        xaxis={"title": "epoch", "anchor": "y2", "rangemode": "tozero", "dtick": whole_epochs},
        yaxis={"title": "distortion<br>nats per image", "domain": [0.55, 1]},
        yaxis2={"title": "rate<br>nats per image", "domain": [0, 0.45], "rangemode": "tozero"},
    )
    return styled(figure, 380)


def rate_bars(
    dimensions: Sequence[int],
    rates: Sequence[float],
    active: Sequence[bool],
    height: int = 240,
) -> go.Figure:
    """Draws the rate of each latent dimension (counted from 0); inactive ones are grey."""
    names = [f"z{dimension + 1}" for dimension in dimensions]
    colours = [RATE_COLOUR if on else INACTIVE_COLOUR for on in active]
    figure = go.Figure(
        go.Bar(x=names, y=rates, marker_color=colours, hovertemplate="%{y:.3g} nats")
    )
    figure.update_layout(yaxis_title="rate (nats)", showlegend=False, bargap=0.25)
    figure.update_yaxes(range=_rate_range(rates))
    return styled(figure, height)


def elbo_bars(
    names: Sequence[str], distortions: Sequence[float], rates: Sequence[float], height: int = 260
) -> go.Figure:
    """Draws distortion and rate as stacked bars and marks their sum, -ELBO, maybe negative."""
    figure, names = go.Figure(), [escaped(name) for name in names]
    totals = [distortion + rate for distortion, rate in zip(distortions, rates, strict=True)]
    figure.add_bar(x=names, y=distortions, name="distortion", marker_color=DISTORTION_COLOUR)
    figure.add_bar(x=names, y=rates, name="rate", marker_color=RATE_COLOUR)
    figure.update_layout(barmode="relative", yaxis_title="nats per image")
    mark = {"symbol": "line-ew-open", "size": 26, "color": INACTIVE_COLOUR, "line_width": 3}
    figure.add_scatter(x=names, y=totals, mode="markers", name="sum: −ELBO", marker=mark)
    figure.update_traces(hovertemplate="%{y:.1f} nats")
    return styled(figure, height)


def path_measures(
    pixel_changes: Mapping[str, Sequence[float]],
    outlyingness: Mapping[str, Sequence[float]],
    marked: str,
    height: int = 250,
) -> go.Figure:
    """Draws the change of pixels and the outlyingness along each path; one path is `marked`.

    `pixel_changes` holds the mean absolute change of a pixel (0 to 1) for each step.
    `outlyingness` holds a share of test images (0 to 1) for each point; paths in pixel space have
    none.
    """
    figure = make_subplots(1, 2, horizontal_spacing=0.11)
    for index, (name, changes) in enumerate(pixel_changes.items()):
        style = _path_style(index, name == marked, name)
        count = len(changes)
        middles = [(i + 0.5) / count for i in range(count)]
        per_path = [change * count for change in changes]
        figure.add_trace(go.Scatter(x=middles, y=per_path, **style), 1, 1)
        if name in outlyingness:
            shares = outlyingness[name]
            positions = [i / (len(shares) - 1) for i in range(len(shares))]
            off = go.Scatter(x=positions, y=[100 * s for s in shares], showlegend=False, **style)
            figure.add_trace(off, 1, 2)
    figure.update_xaxes(title_text="position on the path, from A to B", range=[0, 1])
    figure.update_yaxes(title_text="change of a pixel<br>per whole path", rangemode="tozero", col=1)
    figure.update_yaxes(title_text="off the data<br>% of test images", range=[-4, 104], col=2)
    return styled(figure, height)


def _path_style(index: int, is_marked: bool, name: str) -> dict[str, object]:
    colour = (*CLASS_COLOURS[:2], CLASS_COLOURS[4], INACTIVE_COLOUR)[index % 4]
    dash = ("solid", "dash", "solid", "dot")[index % 4]
    line = {"color": colour, "width": 3.5 if is_marked else 1.75, "dash": dash}
    return {"name": name, "legendgroup": name, "mode": "lines", "line": line}


def evenly_spaced(count: int, at_most: int) -> list[int]:
    """Returns evenly spaced indices, with the last one among them."""
    step = max(1, -(-count // at_most))
    return list(range(count - 1, -1, -step))[::-1]


def _rate_range(rates: Sequence[float]) -> list[float]:
    """Returns an axis range from 0 to at least 0.1 nats, so inactive dimensions look inactive."""
    return [0, max(0.1, 1.08 * max(rates))]


def shrink_titles(figure: go.Figure, size: int) -> None:
    """Sets the font size of the titles of all subplots."""
    for title in figure.layout.annotations:
        title.font.size = size


def styled_plane(figure: go.Figure, axes: tuple[str, str], height: int) -> go.Figure:
    """Returns a styled figure of a plane, whose two axes have these titles and one scale."""
    figure.update_xaxes(title_text=axes[0], zeroline=False)
    figure.update_yaxes(title_text=axes[1], zeroline=False, scaleanchor="x")
    return styled(figure, height)


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Returns the figure with the shared size, margins, backgrounds and legend."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure
