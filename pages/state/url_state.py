"""What a person chose, by name: kept over pages and in the link, so that a reload keeps it too.

Each choice is a short text. A scope (a model, a data set) keeps the choices of different things
apart; the link holds those of the things that are shown.
"""

from collections.abc import Sequence

import streamlit as st

Kept = dict[tuple[str, str], str]


def recall(name: str, scope: str = "") -> str | None:
    """What was chosen before, and now stands in the link; a link that a person changed wins."""
    asked = st.query_params.get(name)
    if asked is not None and asked != _written().get(name):
        _kept()[scope, name] = asked
    _write(name, _kept().get((scope, name)))
    return _kept().get((scope, name))


def keep(name: str, text: str, scope: str = "") -> None:
    """Choose something; it stands in the link from then on."""
    _kept()[scope, name] = text
    _write(name, text)


def keep_pressed(name: str, key: str, scope: str = "") -> None:
    """Choose what a widget holds, for its callback; a browser may have sent nothing."""
    if st.session_state[key] is not None:
        keep(name, str(st.session_state[key]), scope)


def forget(name: str, scope: str = "") -> None:
    """Take back a choice, say one from a link that means nothing here."""
    _kept().pop((scope, name), None)
    _write(name, None)


def leave() -> None:
    """Take all choices out of the link: the page is about to show other things."""
    for name in _written():
        _write(name, None)


def start_widget(key: str, value: object, options: Sequence[object] | None = None) -> None:
    """Let a widget begin with a value chosen before, where it is one of its options.

    Streamlit forgets a widget's state when its page is left.
    """
    if key not in st.session_state and (options is None or value in options):
        st.session_state[key] = value


def _kept() -> Kept:
    return st.session_state.setdefault("link-kept", {})


def _written() -> dict[str, str | None]:
    return st.session_state.setdefault("link-written", {})


def _write(name: str, text: str | None) -> None:
    _written()[name] = text
    if text is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
