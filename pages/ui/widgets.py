"""Widgets and displays that several screens share; widgets return only valid values."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages.state import url_state

if TYPE_CHECKING:
    import plotly.graph_objects as go

T = TypeVar("T")
Text = TypeVar("Text", bound=str)
MAX_SEED = 10_000


def choose_one(
    label: str,
    options: Sequence[T],
    key: str,
    default: T | None = None,
    widget: Callable[..., Any] = st.segmented_control,
    **settings: Any,
) -> T:
    """Show a row of buttons, exactly one of which is pressed; return its option.

    The value is reset to `default` if the old value is no longer an option, for example after a
    change of model. The same happens if the browser sends something that is not an option.

    Args:
        label: The text above the buttons.
        options: The values to choose from.
        key: The widget's key in the session state.
        default: The value at first; the first option if None or if it is not an option.
        widget: `st.segmented_control` or `st.pills`.
        settings: Further arguments of the widget.
    """
    start = options[0] if default is None or default not in options else default
    if st.session_state.get(key) not in options:
        st.session_state[key] = start
    value = widget(label, options, key=key, required=True, **settings)
    return value if value in options else start


def choose_in_link(
    label: str,
    options: Sequence[Text],
    name: str,
    key: str,
    default: Text | None = None,
    writes_default: bool = True,
    **settings: Any,
) -> Text:
    """Show a row of buttons whose value stands in the address; return the value.

    Args:
        label: The text above the buttons.
        options: The values to choose from.
        name: The name of the choice in the address.
        key: The widget's key in the session state.
        default: The value when the address holds none; the first option if None.
        writes_default: Whether the address also gets a value that nobody has chosen.
        settings: Further arguments of the widget.
    """
    url_state.set_initial_value(key, url_state.read(name), options)
    if not writes_default:
        settings |= {"on_change": url_state.write_widget_value, "args": (name, key)}
    value = choose_one(label, options, key, default, **settings)
    if writes_default:
        url_state.write(name, value)
    return value


def choose_seed(**settings: Any) -> int:
    """Show a field for the seed of a page's random choices; return the seed."""
    return int(st.number_input("Seed", 0, MAX_SEED, 0, **settings))


def show_figure(figure: "go.Figure", key: str) -> None:
    """Show a Plotly figure without Plotly's row of buttons."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def show_metrics(metrics: Sequence[tuple[str, str, str]]) -> None:
    """Show metrics side by side; each has a label, a value and a help text."""
    for column, (label, value, help_text) in zip(st.columns(len(metrics)), metrics, strict=True):
        column.metric(label, value, help=help_text)


def selected_points(event: object, count: int) -> list[int]:
    """Return the indices of the selected points of a chart that draws `count` points.

    `event` is the return value of the chart, or its entry in the session state. A browser can send
    anything, so indices that are not in the chart are dropped.
    """
    selection = event.get("selection") if isinstance(event, Mapping) else None
    indices = selection.get("point_indices") if isinstance(selection, Mapping) else None
    if not isinstance(indices, list):
        return []
    return [index for index in indices if type(index) is int and 0 <= index < count]
