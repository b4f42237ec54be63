"""Figures of many models show every seed, units on the axes, and the right lines."""

import math

import pytest

from vae.charts.comparison import (
    Cluster,
    MeasureLine,
    RateBars,
    RateDistortionCurve,
    beta_colours,
    measure_panels,
    rate_bars_by_setting,
    rate_distortion_plane,
    share_map,
)
from vae.charts.figures import INACTIVE_COLOUR, RATE_COLOUR

CLUSTERS = [
    Cluster("β 1", 1, "β-VAE", (1, 2, 3), (12.0, 12.2, 12.4), (23.0, 23.1, 22.6)),
    Cluster("β 4", 4, "β-VAE", (1, 2), (6.0, 6.5), (33.0, 32.0)),
    Cluster("β-TC 4", 4, "β-TCVAE", (1,), (8.0,), (30.0,)),
]
CURVE = RateDistortionCurve([1, 4], [11.0, 7.0], [26.0, 33.0])


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_every_run_is_a_point_and_the_axes_have_units():
    figure = rate_distortion_plane(CLUSTERS, {"any β": CURVE})
    assert list(named(figure, "β 1").x) == [12.0, 12.2, 12.4]
    assert list(named(figure, "β 1").text) == ["β 1, seed 1", "β 1, seed 2", "β 1, seed 3"]
    assert list(named(figure, "any β").y) == [26.0, 33.0]
    assert "nats per test image" in figure.layout.xaxis.title.text
    assert "nats per test image" in figure.layout.yaxis.title.text


def test_the_tangent_has_slope_minus_one_through_the_best_elbo():
    figure = rate_distortion_plane(CLUSTERS, {"any β": CURVE})
    (line,) = [trace for trace in figure.data if trace.name.startswith("slope −1")]
    assert [x + y for x, y in zip(line.x, line.y, strict=True)] == pytest.approx([35.0, 35.0])
    assert "−35.0 nats" in line.name
    low, high = figure.layout.yaxis.range
    assert all(low <= y <= high for y in line.y)


def test_a_multi_rate_model_alone_gives_a_plane():
    figure = rate_distortion_plane([], {"any β": CURVE})
    assert "−37.0 nats" in next(t.name for t in figure.data if t.name.startswith("slope"))


def test_objectives_differ_in_their_markers_and_betas_in_their_colours():
    figure = rate_distortion_plane(CLUSTERS, {})
    first, second, other = (named(figure, c.label).marker for c in CLUSTERS)
    assert first.symbol == second.symbol != other.symbol
    assert first.color != second.color == other.color


@pytest.mark.parametrize("betas", [[0, 1, 4], [0.5, 1, 100], [1, 2]])
def test_beta_colours_differ(betas):
    assert len(set(beta_colours(betas))) == len(betas)


def test_one_beta_has_a_colour():
    assert len(beta_colours([4])) == 1


def test_bars_of_all_settings_share_a_scale_and_grey_the_inactive():
    models = [RateBars("β 1", (3.0, 1.0), (True, True)), RateBars("β 4", (1.0, 0.0), (True, False))]
    figure = rate_bars_by_setting([*models, models[0]], columns=2)
    assert list(figure.data[1].marker.color) == [RATE_COLOUR, INACTIVE_COLOUR]
    assert {tuple(axis.range) for axis in figure.select_yaxes()} == {(0, 1.1 * 3.0)}
    assert figure.layout.yaxis.title.text == "nats"


def test_panels_hold_every_seed_and_the_medians():
    line = MeasureLine("β-VAE", (1, 4), ((1, 2, 3), (1,)), ((0.1, 0.3, 0.2), (0.5,)))
    other = MeasureLine("β-TCVAE", (4,), ((1,),), ((0.4,),))
    figure = measure_panels({"MIG": [line, other], "Rate (nats)": [line]})
    medians, points = figure.data[:2]
    assert list(medians.x) == [0, pytest.approx(math.log10(4))]
    assert list(medians.y) == [0.2, 0.5]
    assert list(points.y) == [0.1, 0.3, 0.2, 0.5]
    assert points.text[3] == "β 4, seed 1"
    assert figure.data[2].line.dash != medians.line.dash
    assert list(figure.layout.xaxis.ticktext) == ["1", "4"]
    assert [title.text for title in figure.layout.annotations] == ["MIG", "Rate (nats)"]


def test_a_beta_of_0_has_the_same_position_in_every_panel():
    line = MeasureLine("β-VAE", (0, 1), ((1,), (1,)), ((0.1,), (0.2,)))
    other = MeasureLine("β-TCVAE", (0, 0.1), ((1,), (1,)), ((0.1,), (0.2,)))
    figure = measure_panels({"MIG": [line, other], "SAP": [line]})
    assert {figure.data[0].x[0], figure.data[2].x[0]} == {-1.5}


def test_a_panel_without_values_is_drawn():
    assert measure_panels({"MIG": [MeasureLine("β-VAE", (), (), ())]}).layout.height > 0


def test_shares_stand_in_their_cells_the_first_latent_on_top():
    figure = share_map(["shape", "x"], ["z2 · 3.00", "z1 · 0.10"], [[0.9, 0.0], [0.1, 0.2]])
    (cells,) = figure.data
    assert [list(row) for row in cells.z] == [[0.9, 0.0], [0.1, 0.2]]
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert "%{z" in cells.texttemplate
    assert figure.layout.yaxis.autorange == "reversed"
