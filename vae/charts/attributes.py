"""Figures of attribute directions: groups of codes on a plane, and effects along a direction.

Example:
    figure = effect_curves([-1, 0, 1], [2.1, 2.4, 2.9], random_curves=[], title="Slant", unit="°")
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from vae.charts.figures import CLASS_COLOURS, INACTIVE_COLOUR, escaped, styled, styled_plane

LOW_COLOUR, HIGH_COLOUR, ARROW_COLOUR = CLASS_COLOURS[0], CLASS_COLOURS[1], CLASS_COLOURS[2]
SHOWN_RANDOM = 40


def groups_map(
    points: Float[np.ndarray, "n 2"],
    groups: dict[str, Int[np.ndarray, "_"]],
    arrow: Float[np.ndarray, "2 2"],
    axes: tuple[str, str],
    height: int = 340,
) -> go.Figure:
    """Draws codes on a plane: the low and the high group in colour, the rest grey, and an arrow.

    `groups` holds rows of `points`, the low group first. `arrow` leads from the low mean to the
    high mean.
    """
    figure = go.Figure()
    rest = np.setdiff1d(np.arange(len(points)), np.concatenate(list(groups.values())))
    parts = {"neither": rest} if len(rest) else {}
    colours = [INACTIVE_COLOUR] * len(parts) + [LOW_COLOUR, HIGH_COLOUR]
    for (name, rows), colour in zip((parts | groups).items(), colours, strict=True):
        figure.add_scatter(
            x=points[rows, 0],
            y=points[rows, 1],
            mode="markers",
            name=name,
            marker={"size": 4, "color": colour, "opacity": 0.35 if name == "neither" else 0.75},
            hoverinfo="name",
        )
    (from_x, from_y), (to_x, to_y) = arrow.tolist()
    head = {"showarrow": True, "arrowhead": 2, "arrowsize": 1, "text": ""}
    for colour, size in (("white", 6), (ARROW_COLOUR, 3)):
        figure.add_annotation(
            x=to_x,
            y=to_y,
            ax=from_x,
            ay=from_y,
            axref="x",
            ayref="y",
            arrowcolor=colour,
            arrowwidth=size,
            **(head if size == 3 else head | {"arrowhead": 0}),
        )
    return styled_plane(figure, axes, height).update_layout(legend={"itemsizing": "constant"})


def lasso_map(
    points: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, "n"],
    class_names: Sequence[str],
    axes: tuple[str, str],
    height: int = 340,
) -> go.Figure:
    """Draws codes on a plane, coloured by class if known, for selection with a lasso.

    All points belong to one trace, in the order of the rows.
    """
    known = [0 <= label < len(class_names) for label in labels]
    figure = go.Figure(
        go.Scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="markers",
            text=[
                escaped(class_names[label]) if is_known else "no class"
                for label, is_known in zip(labels, known, strict=True)
            ],
            marker={
                "size": 5,
                "color": [
                    CLASS_COLOURS[label % 10] if is_known else INACTIVE_COLOUR
                    for label, is_known in zip(labels, known, strict=True)
                ],
            },
            unselected={"marker": {"opacity": 0.15}},
            hovertemplate="%{text}<extra></extra>",
        )
    )
    return styled_plane(figure, axes, height).update_layout(dragmode="lasso", showlegend=False)


def effect_curves(
    steps: Sequence[float],
    curve: Sequence[float],
    random_curves: Sequence[Sequence[float]],
    title: str,
    unit: str,
    height: int = 240,
) -> go.Figure:
    """Draws the mean measure of decoded images against the distance moved along a direction.

    Args:
        steps: Distances moved, in lengths of the direction.
        curve: Mean measure at each distance, along the direction.
        random_curves: The same along random directions, drawn in grey.
        title: Name of the measure.
        unit: Unit of the measure.
        height: Height of the figure in pixels.
    """
    figure = go.Figure()
    for index, each in enumerate(random_curves[:SHOWN_RANDOM]):
        figure.add_scatter(
            x=list(steps),
            y=list(each),
            mode="lines",
            name="random directions",
            legendgroup="random",
            showlegend=index == 0,
            line={"color": INACTIVE_COLOUR, "width": 1},
            opacity=0.45,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=list(steps),
        y=list(curve),
        mode="lines+markers",
        name="this direction",
        line={"color": ARROW_COLOUR, "width": 3},
        hovertemplate=f"%{{y:.3g}} {unit} at %{{x:+}}<extra></extra>",
    )
    figure.update_xaxes(title_text="moved by (lengths of the direction)", tickvals=list(steps))
    figure.update_yaxes(title_text=f"{title.lower()} ({unit})", nticks=6)
    return styled(figure, height)
