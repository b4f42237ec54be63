"""The figures of a sweep show curves by beta, names that do not overlap, and the plane."""

import itertools

import pytest

from vae.charts.sweep import SweepCurve, sweep_colour, sweep_curves, sweep_plane


def curve(label: str, place: float, last: tuple[float, float], named: bool = True) -> SweepCurve:
    distortion, rate = last
    return SweepCurve(label, place, [1, 2, 3], [40.0, 30.0, distortion], [0.0, 1.0, rate], named)


LOW, HIGH = curve("β 1", 0.0, (20.0, 9.0)), curve("β 4", 1.0, (25.0, 3.0))
UNBEGUN = SweepCurve("β 10", 1.0, [], [], [])


def test_each_run_has_a_line_in_each_panel_as_long_as_the_training():
    figure = sweep_curves([LOW, HIGH, UNBEGUN], epochs=40)
    lines = [(trace.name, trace.yaxis, list(trace.y)) for trace in figure.data]
    assert lines == [
        ("β 1", "y", [40, 30, 20]),
        ("β 4", "y", [40, 30, 25]),
        ("β 1", "y2", [0, 1, 9]),
        ("β 4", "y2", [0, 1, 3]),
    ]
    assert figure.layout.xaxis.range == (0, 40)
    assert "nats" in figure.layout.yaxis.title.text
    assert "nats" in figure.layout.yaxis2.title.text


def test_names_stand_in_the_order_of_their_curves_and_never_on_each_other():
    alike = [curve(f"β {i}", i / 5, (20.0 + i / 1e3, 3.0)) for i in range(6)]
    figure = sweep_curves(alike, epochs=3)
    heights = [n.y for n in figure.layout.annotations if n.yref == "y domain"]
    assert [n.text for n in figure.layout.annotations][:6] == [c.label for c in alike]
    steps = [high - low for low, high in itertools.pairwise(heights)]
    assert min(steps) > 0.08
    assert max(heights) <= 1


def test_only_one_of_several_seeds_is_named_and_all_have_one_colour():
    other = curve("β 1", 0.0, (21.0, 8.0), named=False)
    figure = sweep_curves([LOW, other], epochs=3)
    assert [note.text for note in figure.layout.annotations] == ["β 1", "β 1"]
    assert len({trace.line.color for trace in figure.data}) == 1


def test_the_plane_shows_where_each_run_stands_and_leaves_its_first_epochs_out():
    *ways, family, points = sweep_plane([LOW, HIGH, UNBEGUN], epochs=20).data
    assert [list(way.x) for way in ways] == [[1, 9], [1, 3]]
    assert list(points.x) == list(family.x) == [9, 3]
    assert list(points.y) == [20, 25]
    assert list(points.text) == ["β 1", "β 4"]


@pytest.mark.parametrize("draw", [sweep_curves, sweep_plane])
def test_axes_have_no_numbers_before_the_first_result(draw):
    figure = draw([UNBEGUN], epochs=3)
    assert not any(len(trace.x) for trace in figure.data)
    assert figure.layout.yaxis.showticklabels is False


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("place", [i / 9 for i in range(10)])
def test_every_colour_is_seen_on_white_and_on_black(place):
    light = luminance(sweep_colour(place)) + 0.05
    assert 1.05 / light > 2.2
    assert light / (luminance("#101615") + 0.05) > 3
