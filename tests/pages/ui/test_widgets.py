"""A row of buttons has one of them down, whatever a browser sends and whatever went before."""

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from pages.ui.widgets import choose_one

    options = st.session_state.get("options", ["a", "b", "c"])
    st.write(choose_one("Which", options, "which", "b"))


@pytest.fixture
def shown() -> AppTest:
    return AppTest.from_function(page).run()


def test_the_first_one_is_down_until_another_is_pressed(shown):
    assert shown.markdown[0].value == "b"
    assert shown.segmented_control[0].value == "b"
    assert shown.segmented_control[0].set_value("c").run().markdown[0].value == "c"


def test_none_of_them_is_the_first_one(shown):
    shown.segmented_control[0].set_value(None).run()
    assert not shown.exception
    assert shown.markdown[0].value == "b"
    assert shown.segmented_control[0].value == "b"


def test_one_that_is_gone_is_the_first_one(shown):
    shown.segmented_control[0].set_value("c").run()
    shown.session_state["options"] = ["x", "y"]
    shown.run()
    assert not shown.exception
    assert shown.markdown[0].value == "x"
    assert shown.segmented_control[0].value == "x"
