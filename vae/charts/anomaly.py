"""Figures of the page Anomalies: the histogram of scores, the ROC, and the error map.

Example:
    figure = score_histogram(scores, abnormal, threshold=120.0, title="−ELBO (nats)")
"""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, UInt8
from plotly.subplots import make_subplots

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, styled

NORMAL_COLOUR, ABNORMAL_COLOUR = CLASS_COLOURS[0], CLASS_COLOURS[1]
BINS = 60
MAX_ROC_POINTS = 300
TAIL = 0.002
"""Share of the images at each end that the outer bars of the histogram collect."""


def score_histogram(
    scores: Float[np.ndarray, "n"],
    abnormal: Bool[np.ndarray, "n"],
    threshold: float,
    title: str,
    height: int = 230,
) -> go.Figure:
    """Draws histograms of the scores of normal and of abnormal images, and the threshold.

    Each histogram shows percentages of its own kind, since one kind may be much more frequent.
    """
    low, high = np.quantile(scores, [TAIL, 1 - TAIL])
    edges = np.linspace(min(low, threshold), max(high, threshold), BINS + 1)
    inside = scores.clip(edges[0], edges[-1])
    figure = go.Figure()
    kinds = (("normal", ~abnormal, NORMAL_COLOUR), ("abnormal", abnormal, ABNORMAL_COLOUR))
    for name, mine, colour in kinds:
        counts = np.histogram(inside[mine], edges)[0]
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=100 * counts / max(1, mine.sum()),
            name=f"{name} ({int(mine.sum()):,})",
            marker={"color": colour, "opacity": 0.65, "line_width": 0},
            hovertemplate="%{x:.3g}: %{y:.1f} %",
        )
    figure.add_vline(x=threshold, line={"color": INACTIVE_COLOUR, "width": 2, "dash": "dash"})
    figure.update_xaxes(title_text=title)
    figure.update_yaxes(title_text="% of its kind")
    figure.update_layout(barmode="overlay", bargap=0)
    return styled(figure, height)


def roc_figure(
    false_alarms: Float[np.ndarray, "points"],
    recall: Float[np.ndarray, "points"],
    here: tuple[float, float],
    height: int = 300,
) -> go.Figure:
    """Draws the ROC, the diagonal of chance, and the working point (false alarms, recall)."""
    shown = np.unique(np.linspace(0, len(recall) - 1, MAX_ROC_POINTS).round().astype(int))
    figure = go.Figure()
    chance = {"color": INACTIVE_COLOUR, "dash": "dot", "width": 1}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=chance, hoverinfo="skip")
    figure.add_scatter(
        x=false_alarms[shown],
        y=recall[shown],
        mode="lines",
        line={"color": ABNORMAL_COLOUR, "width": 2},
        hovertemplate="false alarms %{x:.1%}, recall %{y:.1%}<extra></extra>",
    )
    figure.add_scatter(
        x=[here[0]],
        y=[here[1]],
        mode="markers",
        marker={"size": 12, "color": NORMAL_COLOUR, "line": {"width": 2, "color": "white"}},
        hovertemplate="here: false alarms %{x:.1%}, recall %{y:.1%}<extra></extra>",
    )
    ticks = {"tickformat": ".0%", "range": [-0.02, 1.02], "dtick": 0.5}
    figure.update_xaxes(title_text="false alarms: normal images flagged", **ticks)
    figure.update_yaxes(title_text="recall:<br>abnormal images flagged", **ticks)
    figure.update_layout(showlegend=False)
    return styled(figure, height)


def error_figure(
    image: UInt8[np.ndarray, "h w 3"],
    decoded: UInt8[np.ndarray, "h w 3"],
    error: Float[np.ndarray, "h w"],
    height: int = 250,
) -> go.Figure:
    """Draws an image, its reconstruction, and the error of each pixel, 0 to 1."""
    titles = ("image x", "decoded x̂", "error |x − x̂|")
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.03)
    figure.add_trace(go.Image(z=image, hoverinfo="skip"), 1, 1)
    figure.add_trace(go.Image(z=decoded, hoverinfo="skip"), 1, 2)
    heat = go.Heatmap(
        z=error,
        zmin=0,
        zmax=1,
        colorscale="Cividis",
        colorbar={"title": {"text": "pixel<br>units"}, "thickness": 12, "dtick": 0.5},
        hovertemplate="%{z:.2f}<extra></extra>",
    )
    figure.add_trace(heat, 1, 3)
    figure.update_annotations(font_size=13)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain", autorange="reversed")
    for column, anchor in enumerate(("x", "x2", "x3"), start=1):
        figure.update_yaxes(scaleanchor=anchor, row=1, col=column)
    return styled(figure, height)
