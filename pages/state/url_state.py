"""What a person chose, by name: kept over pages and in the link, so that a reload keeps it too.

Each choice is a short text. A scope (a model, a data set) keeps the choices of different things
apart; the link holds those of the things that are shown.
"""

from collections.abc import Sequence

import streamlit as st

Choices = dict[tuple[str, str], str]


def read(name: str, scope: str = "") -> str | None:
    """What was chosen before, and now stands in the link; a link that a person changed wins."""
    asked = st.query_params.get(name)
    if asked is not None and asked != _link_texts().get(name):
        _choices()[scope, name] = asked
    _set_link_text(name, _choices().get((scope, name)))
    return _choices().get((scope, name))


def write(name: str, text: str, scope: str = "") -> None:
    """Choose something; it stands in the link from then on."""
    _choices()[scope, name] = text
    _set_link_text(name, text)


def write_widget_value(name: str, key: str, scope: str = "") -> None:
    """Choose what a widget holds, for its callback; a browser may have sent nothing."""
    if st.session_state[key] is not None:
        write(name, str(st.session_state[key]), scope)


def remove(name: str, scope: str = "") -> None:
    """Take back a choice, say one from a link that means nothing here."""
    _choices().pop((scope, name), None)
    _set_link_text(name, None)


def clear() -> None:
    """Take all choices out of the link: the page is about to show other things."""
    for name in _link_texts():
        _set_link_text(name, None)


def set_initial_value(key: str, value: object, options: Sequence[object] | None = None) -> None:
    """Let a widget begin with a value chosen before, where it is one of its options.

    Streamlit forgets a widget's state when its page is left.
    """
    if key not in st.session_state and (options is None or value in options):
        st.session_state[key] = value


def _choices() -> Choices:
    return st.session_state.setdefault("link-kept", {})


def _link_texts() -> dict[str, str | None]:
    return st.session_state.setdefault("link-written", {})


def _set_link_text(name: str, text: str | None) -> None:
    _link_texts()[name] = text
    if text is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
