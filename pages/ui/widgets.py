"""Widgets that accept only valid values: a row of buttons, and the selection in a chart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from pages.state import url_state

T = TypeVar("T")


def choose_one(
    label: str,
    options: Sequence[T],
    key: str,
    default: T | None = None,
    widget: Callable[..., Any] = st.segmented_control,
    **settings: Any,
) -> T:
    """Show a row of buttons, exactly one of which is pressed; return its option.

    The value is reset to `default` when the old value is no longer an option, for example after
    a change of model, and when the browser sends something that is not an option.

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
    chosen = widget(label, options, key=key, required=True, **settings)
    return chosen if chosen in options else start


def choose_in_link(
    label: str,
    options: Sequence[str],
    name: str,
    key: str,
    default: str | None = None,
    **settings: Any,
) -> str:
    """Show a row of buttons whose choice stands in the address; return the chosen option.

    Args:
        label: The text above the buttons.
        options: The values to choose from.
        name: The name of the choice in the address.
        key: The widget's key in the session state.
        default: The value when the address holds none; the first option if None.
        settings: Further arguments of the widget.
    """
    url_state.set_initial_value(key, url_state.read(name), options)
    chosen = choose_one(label, options, key, default, **settings)
    url_state.write(name, chosen)
    return chosen


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
