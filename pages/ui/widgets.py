"""A row of buttons of which exactly one is down."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def one_of(
    label: str,
    options: Sequence[T],
    key: str,
    first: T | None = None,
    look: Callable[..., Any] = st.segmented_control,
    **settings: Any,
) -> T:
    """The one that is down: `first`, else the first of all, until a person presses another.

    So it is, too, where the one that was down is no longer among them, say because another model
    was chosen, and where what a browser sends is none of them. `look` may be `st.pills`.
    """
    start = options[0] if first is None or first not in options else first
    if st.session_state.get(key) not in options:
        st.session_state[key] = start
    chosen = look(label, options, key=key, required=True, **settings)
    return chosen if chosen in options else start
