"""The figure of compression: image quality against bits per pixel.

Example:
    figure = quality_curves([(0.5, 21.0), (1.0, 24.0)], [(0.8, 20.0)], 1, "PSNR (dB)")
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, styled

QualityCurve = Sequence[tuple[float, float]]
"""The bits per pixel and the quality of each setting."""


def quality_curves(
    model: QualityCurve, jpeg: QualityCurve, marked: int, quality: str, height: int = 300
) -> go.Figure:
    """Draws quality against bits per pixel and marks a setting; `quality` names the axis."""
    figure = go.Figure()
    for name, curve, colour, dash in (
        ("this model, its code rounded", model, CLASS_COLOURS[0], "solid"),
        ("JPEG, 4:2:0", jpeg, INACTIVE_COLOUR, "dot"),
    ):
        figure.add_scatter(
            x=[bits for bits, _ in curve],
            y=[value for _, value in curve],
            mode="lines+markers",
            name=name,
            line={"color": colour, "dash": dash},
            hovertemplate="%{x:.2f} bits per pixel, %{y:.3g}",
        )
    bits, value = model[marked]
    mark = {"symbol": "circle-open", "size": 16, "color": CLASS_COLOURS[1], "line_width": 3}
    figure.add_scatter(
        x=[bits], y=[value], mode="markers", marker=mark, showlegend=False, hoverinfo="skip"
    )
    figure.update_xaxes(title_text="bits per pixel", rangemode="tozero")
    figure.update_yaxes(title_text=quality)
    return styled(figure, height)
