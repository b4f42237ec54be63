"""Figures show the right numbers, with units on every axis."""

import pytest

from vae.charts.figures import (
    CLASS_COLOURS,
    INACTIVE_COLOUR,
    RATE_COLOUR,
    elbo_bars,
    path_measures,
    rate_bars,
    training_curves,
)

FIGURES = {
    "training": training_curves([1, 2], [30.0, 25.0], [1.0, 2.0], [(31.0, 1.1), (26.0, 2.1)]),
    "rates": rate_bars([1, 0], [2.0, 0.0], [True, False]),
    "elbo": elbo_bars(["a", "b"], [80.0, 90.0], [20.0, 21.0]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_vertical_axis_states_its_unit(name):
    titles = [axis.title.text for axis in FIGURES[name].select_yaxes() if axis.title.text]
    assert titles
    assert all("nats" in title for title in titles)


@pytest.mark.parametrize("name", FIGURES)
def test_backgrounds_are_the_pages_own(name):
    assert FIGURES[name].layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_curves_hold_training_and_held_out_losses():
    drawn = {trace.name: list(trace.y) for trace in FIGURES["training"].data}
    assert drawn == {
        "Distortion, training": [30.0, 25.0],
        "Distortion, held out": [31.0, 26.0],
        "Rate, training": [1.0, 2.0],
        "Rate, held out": [1.1, 2.1],
    }


def test_curves_are_drawn_without_held_out_images():
    figure = training_curves([1], [30.0], [1.0], None)
    assert [trace.name for trace in figure.data] == ["Distortion, training", "Rate, training"]


def test_inactive_dimensions_are_grey_and_named_from_one():
    (bars,) = FIGURES["rates"].data
    assert list(bars.x) == ["z2", "z1"]
    assert list(bars.marker.color) == [RATE_COLOUR, INACTIVE_COLOUR]


def test_class_colours_are_ten_and_different():
    assert len(set(CLASS_COLOURS)) == 10


def test_a_path_that_moves_evenly_is_flat_at_its_whole_length():
    figure = path_measures(
        {"line": [0.02] * 5, "blend": [0.05, 0.0]}, {"line": [0.0, 0.5, 1.0]}, marked="line"
    )
    line, off, blend = figure.data
    assert list(line.y) == pytest.approx([0.1] * 5)
    assert list(line.x) == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert list(blend.y) == pytest.approx([0.1, 0.0])
    assert (list(off.x), list(off.y)) == ([0, 0.5, 1], [0, 50, 100])
    assert line.line.width > blend.line.width
    assert all(axis.title.text for axis in figure.select_yaxes())
    assert all(axis.title.text for axis in figure.select_xaxes())


@pytest.mark.parametrize("count", [1, 149, 150, 151, 1000])
def test_curves_of_many_epochs_show_some_points_and_end_at_the_last(count):
    epochs = list(range(1, count + 1))
    held_out = [(float(e) + 1, 2.0) for e in epochs]
    figure = training_curves(epochs, [float(e) for e in epochs], [1.0] * count, held_out)
    for trace in figure.data:
        assert count // 8 <= len(trace.x) <= 150
        assert trace.x[-1] == count
    distortion = figure.data[0]
    assert list(distortion.y) == list(distortion.x)
    assert figure.data[1].y[-1] == count + 1
