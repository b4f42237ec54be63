"""What browsers report of instruments and charts, and links say of numbers: none of it trusted."""

import math

import pytest

from pages.state.latent_position import parse_index
from pages.state.reported_values import is_code, is_number, is_pin
from pages.ui.widgets import selected_points

NO_NUMBERS = (None, "1", True, [], math.nan, math.inf, 1.001e4, 10**400)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number(value):
    assert not is_number(value)
    assert not is_code([0.0, value], 2)
    assert not is_pin({"z": [value, 1], "index": 0}, 2)


@pytest.mark.parametrize("value", [None, {}, 3, "12", {"z": None}, {"z": [1, 2, 3]}, [[1, 2]]])
def test_what_is_no_code(value):
    assert not is_code(value, 2)
    assert not is_pin(value, 2)


def test_what_instruments_do_report():
    assert is_number(-3.5)
    assert is_code([0, -1.5], 2)
    assert is_pin({"z": [0, -1.5], "index": -1}, 2)


@pytest.mark.parametrize("event", [None, {}, {"selection": 1}, {"selection": {"points": [1]}}, []])
def test_nothing_selected(event):
    assert selected_points(event, 10) == []


def test_selected_places_are_those_that_were_drawn():
    places = [3, -1, 9, 10, 10**30, None, 2.0, True, "4"]
    assert selected_points({"selection": {"point_indices": places}}, 10) == [3, 9]


@pytest.mark.parametrize("text", ["9" * 5000, "-1", "1.0", "٣", "", "4"])
def test_what_is_no_place_in_a_link(text):
    assert parse_index(text, 4) is None
