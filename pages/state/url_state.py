"""Keeps choices in the page's address, so that a link or a reload opens the same view.

A choice is a short text with a name, such as `path=linear`. The session remembers it when the page
changes. A scope (a model or a data set) keeps the choices for different things apart; the address
shows only the choices of the current page's things.

Streamlit's own `bind="query-params"` cannot replace this module. It writes the label of an option
instead of its value, so old links would no longer work, and it forgets a choice when people leave
the page.
"""

from collections.abc import Sequence

import streamlit as st

Choices = dict[tuple[str, str], str]


def read(name: str, scope: str = "") -> str | None:
    """Return a choice, and write it into the address; an address that a person edited wins."""
    text = st.query_params.get(name)
    if text is not None and text != _link_texts().get(name):
        _choices()[scope, name] = text
    _set_link_text(name, _choices().get((scope, name)))
    return _choices().get((scope, name))


def write(name: str, text: str, scope: str = "") -> None:
    """Remember a choice, and write it into the address."""
    _choices()[scope, name] = text
    _set_link_text(name, text)


def write_widget_value(name: str, key: str, scope: str = "") -> None:
    """Remember the value of a widget, from its callback; the browser may have sent none."""
    if st.session_state[key] is not None:
        write(name, str(st.session_state[key]), scope)


def read_number(name: str, default: float, low: float, high: float, scope: str = "") -> float:
    """Return a choice that is a number from `low` to `high`; any other text means `default`."""
    try:
        number = float(read(name, scope) or default)
    except ValueError:
        return default
    return number if low <= number <= high else default


def remove(name: str, scope: str = "") -> None:
    """Forget a choice, for example one from a link that is not valid here."""
    _choices().pop((scope, name), None)
    _set_link_text(name, None)


def clear() -> None:
    """Take all choices out of the address, because the page is about to show other things."""
    for name in _link_texts():
        _set_link_text(name, None)


def set_initial_value(key: str, value: object, options: Sequence[object] | None = None) -> None:
    """Set the first value of a widget, if it is one of the widget's options.

    Streamlit forgets the state of a widget when people leave its page, so a page sets the value
    that was chosen before.
    """
    if key not in st.session_state and (options is None or value in options):
        st.session_state[key] = value


def _choices() -> Choices:
    """Return all choices of this session, by scope and name."""
    choices: Choices = st.session_state.setdefault("link-choices", {})
    return choices


def _link_texts() -> dict[str, str | None]:
    """Return the texts that this module last wrote into the address, by name."""
    texts: dict[str, str | None] = st.session_state.setdefault("link-texts", {})
    return texts


def _set_link_text(name: str, text: str | None) -> None:
    _link_texts()[name] = text
    if text is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
