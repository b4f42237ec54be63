"""The figure of the page Denoise: quality against the strength of the corruption.

Example:
    figure = quality_curves([0.1, 0.5], {"vae": [24, 19]}, {"vae": [0.9, 0.6]}, {}, 0.1, "noise")
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, styled

STYLES = {
    "corrupted": (INACTIVE_COLOUR, "dot"),
    "median": (CLASS_COLOURS[4], "dash"),
    "pca": (CLASS_COLOURS[6], "dash"),
    "vae": (CLASS_COLOURS[0], "solid"),
    "denoiser": (CLASS_COLOURS[1], "solid"),
}
"""The colour and the dash of each method."""


def quality_curves(
    strengths: Sequence[float],
    psnr: Mapping[str, Sequence[float]],
    ssim: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    here: float,
    axis: str,
    height: int = 400,
) -> go.Figure:
    """Draws PSNR above and SSIM below against the strength, one line for each method.

    Args:
        strengths: Strengths of the corruption.
        psnr: PSNR at each strength, by method.
        ssim: SSIM at each strength, by method.
        titles: Displayed names of the methods.
        here: Strength to mark.
        axis: Title of the strength axis.
        height: Height of the figure in pixels.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08)
    for row, table in enumerate((psnr, ssim), start=1):
        for name, values in table.items():
            colour, dash = STYLES[name]
            line = go.Scatter(
                x=list(strengths),
                y=list(values),
                name=titles.get(name, name),
                legendgroup=name,
                showlegend=row == 1,
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker_size=5,
                hovertemplate="%{y:.3g}",
            )
            figure.add_trace(line, row, 1)
    figure.add_vline(x=here, line={"color": INACTIVE_COLOUR, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(range=[0, 1.02])
    figure.update_xaxes(title_text=axis, row=2)
    figure.update_yaxes(title_text="PSNR (dB)", row=1)
    figure.update_yaxes(title_text="SSIM", row=2)
    return styled(figure, height)
