"""Paths and grids through latent space agree with values by hand."""

import math

import numpy as np
import pytest
import torch

from vae.core.errors import ConfigError
from vae.explorer.latent.neighbours import Neighbours
from vae.explorer.latent.paths import (
    along,
    follow,
    interpolate,
    lerp,
    pixel_changes,
    prior_grid,
    prior_quantiles,
    slerp,
    traverse,
)

FRACTIONS = np.linspace(0, 1, 9)


@pytest.fixture
def ends() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=5), 3 * random.normal(size=5)


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_paths_begin_and_end_where_they_should(ends, kind):
    path = interpolate(*ends, FRACTIONS, kind)
    assert path.shape == (9, 5)
    np.testing.assert_allclose(path[[0, -1]], ends, atol=1e-12)


def test_a_straight_line_agrees_with_values_by_hand():
    path = lerp(np.array([0.0, 2.0]), np.array([4.0, -2.0]), np.array([0.25, 0.5]))
    np.testing.assert_allclose(path, [[1, 1], [2, 0]])


def test_a_quarter_circle_agrees_with_values_by_hand():
    path = slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([1 / 3, 0.5]))
    np.testing.assert_allclose(path, [[math.sqrt(3) / 2, 0.5], [math.sqrt(0.5)] * 2])


def test_the_arc_turns_evenly_while_its_radius_grows_evenly(ends):
    path = slerp(*ends, FRACTIONS)
    radii = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(np.diff(radii), (radii[-1] - radii[0]) / 8)
    directions = path / radii[:, None]
    angles = np.arccos((directions[1:] * directions[:-1]).sum(axis=1))
    np.testing.assert_allclose(angles, angles[0])
    whole = np.arccos(directions[0] @ directions[-1])
    assert angles.sum() == pytest.approx(whole)


def test_kinds_of_path_differ_between_different_ends(ends):
    straight, arc = (interpolate(*ends, FRACTIONS, kind) for kind in ("linear", "spherical"))
    assert np.linalg.norm(arc[4]) > np.linalg.norm(straight[4])


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ([0.0, 0.0], [1.0, 2.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [2.0, 4.0]),
        ([1.0, 2.0], [-1.0, -2.0]),
        ([1.0, 2.0], [-3.0, -6.0 + 1e-9]),
        ([1.0, 2.0], [1.0, 2.0 + 1e-9]),
    ],
)
def test_where_no_arc_exists_the_path_is_straight(start, end):
    first, last = np.array(start), np.array(end)
    path = slerp(first, last, FRACTIONS)
    np.testing.assert_allclose(path, lerp(first, last, FRACTIONS), atol=1e-6)


def test_an_unknown_kind_of_path_is_refused_with_the_known_ones(ends):
    with pytest.raises(ConfigError, match="linear, spherical, data"):
        interpolate(*ends, FRACTIONS, "cubic")  # type: ignore[arg-type]


@pytest.fixture
def ring() -> Neighbours:
    """Returns a slightly noisy circle of radius 2 with an inactive third dimension."""
    random = np.random.default_rng(0)
    angles = np.sort(random.uniform(0, 2 * np.pi, 300))
    radii = 2 + 0.02 * random.normal(size=300)
    codes = np.stack([radii * np.cos(angles), radii * np.sin(angles), random.normal(size=300)], 1)
    return Neighbours(codes.astype(np.float32), [0, 1])


ACROSS = np.array([2.0, 0.1, 5.0]), np.array([-2.0, 0.1, -3.0])


def test_positions_along_a_corner_agree_with_values_by_hand():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    places = along(corner, np.array([0, 0.25, 0.5, 0.75, 0.875, 1]))
    np.testing.assert_allclose(places, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 0.5], [3, 1]])


def test_a_polyline_of_equal_points_has_no_length():
    still = np.array([[1.0, 2.0]] * 3)
    np.testing.assert_array_equal(along(still, FRACTIONS), [[1, 2]] * 9)
    paused = np.array([[0.0], [1.0], [1.0], [2.0]])
    np.testing.assert_allclose(along(paused, FRACTIONS)[:, 0], 2 * FRACTIONS)


def test_the_ends_of_a_broken_line_are_exact():
    points = np.random.default_rng(0).normal(size=(20, 3)) / 3
    np.testing.assert_array_equal(along(points, FRACTIONS)[[0, -1]], points[[0, -1]])


def test_a_path_along_the_data_stays_where_a_straight_line_leaves_it(ring):
    fractions = np.linspace(0, 1, 41)
    straight, data = (interpolate(*ACROSS, fractions, kind, ring) for kind in ("linear", "data"))
    radii = np.linalg.norm(data[:, :2], axis=1)
    assert radii.min() > 1.9
    assert np.linalg.norm(straight[20, :2]) < 0.2
    assert ring.outlyingness(straight)[5:36].min() == 1
    assert np.median(ring.outlyingness(data)) < 0.5
    assert ring.outlyingness(data).mean() < ring.outlyingness(straight).mean() - 0.4


def test_a_path_along_the_data_has_the_ends_and_takes_equal_steps(ring):
    path = follow(*ACROSS, np.linspace(0, 1, 1001), ring)
    np.testing.assert_array_equal(path[[0, -1]], ACROSS)

    corners = [ACROSS[0], *ring.codes[ring.waypoints(*ACROSS)], ACROSS[1]]
    hops = np.diff(np.stack(corners)[:, :2], axis=0)
    step = np.hypot(*hops.T).sum() / 1000
    steps = np.hypot(*np.diff(path[:, :2], axis=0).T)
    assert steps.max() <= step * (1 + 1e-9)
    assert np.median(steps) == pytest.approx(step)
    for corner in corners:
        assert np.hypot(*(path[:, :2] - corner[:2]).T).min() <= step / 2 * (1 + 1e-9)


def test_inactive_dimensions_go_straight_along_the_data(ring):
    path = follow(*ACROSS, FRACTIONS, ring)
    np.testing.assert_allclose(path[:, 2], np.linspace(5, -3, 9), atol=1e-12)
    other_noise = ring.codes + np.float32([0, 0, 40])
    again = follow(*ACROSS, FRACTIONS, Neighbours(other_noise, [0, 1]))
    np.testing.assert_array_equal(again, path)


def test_a_path_along_the_data_crosses_gaps_between_unconnected_parts():
    codes = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    codes[30:] += 50
    start, end = codes[[0, 59]].astype(np.float64)
    path = follow(start, end, FRACTIONS, Neighbours(codes, [0, 1]))
    np.testing.assert_array_equal(path[[0, -1]], [start, end])
    assert np.isfinite(path).all()
    assert len(np.unique(path, axis=0)) == 9


@pytest.mark.parametrize("place", [[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
def test_a_path_along_the_data_from_a_point_to_itself_stays_there(ring, place):
    here = np.array(place)
    np.testing.assert_array_equal(follow(here, here, FRACTIONS, ring), [place] * 9)


@pytest.mark.parametrize("count", range(1, 12))
def test_a_path_along_the_data_needs_few_codes(count):
    codes = np.random.default_rng(1).normal(size=(count, 3)).astype(np.float32)
    start, end = np.array([-3.0, 0.0, 1.0]), np.array([3.0, 0.5, 0.0])
    path = follow(start, end, FRACTIONS, Neighbours(codes, [0, 2]))
    np.testing.assert_array_equal(path[[0, -1]], [start, end])
    np.testing.assert_allclose(path[:, 1], np.linspace(0, 0.5, 9), atol=1e-12)


def test_a_path_along_the_data_needs_the_data(ends):
    with pytest.raises(ConfigError, match="give neighbours"):
        interpolate(*ends, FRACTIONS, "data")


def test_pixel_changes_agree_with_values_by_hand():
    frames = np.zeros((4, 1, 2, 2))
    frames[1] = 1
    frames[2, 0, 0] = [0.5, 1]
    frames[3] = frames[2]
    np.testing.assert_allclose(pixel_changes(frames), [1, 0.625, 0])
    assert len(pixel_changes(frames[:1])) == 0


def test_a_traversal_changes_one_dimension_alone(ends):
    z = ends[0].copy()
    codes = traverse(z, 2, np.array([-3.0, 0.0, 3.0]))
    assert codes[:, 2].tolist() == [-3, 0, 3]
    np.testing.assert_array_equal(np.delete(codes, 2, axis=1), [np.delete(z, 2)] * 3)
    np.testing.assert_array_equal(z, ends[0])


@pytest.mark.parametrize("dimension", [-1, 5])
def test_a_traversal_along_an_unknown_dimension_is_refused(ends, dimension):
    with pytest.raises(ConfigError, match="from 0 to 4"):
        traverse(ends[0], dimension, np.zeros(2))


def test_quantiles_cut_the_prior_into_equal_shares():
    values = prior_quantiles(10)
    shares = torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(values))
    np.testing.assert_allclose(shares, np.arange(0.05, 1, 0.1), atol=1e-6)
    np.testing.assert_allclose(values, -values[::-1], atol=1e-12)
    assert prior_quantiles(1).tolist() == [0.0]


def test_the_grid_runs_row_by_row_from_the_top_left():
    low, _, high = prior_quantiles(3)
    grid = prior_grid(3)
    np.testing.assert_allclose(grid[0], [low, high])
    np.testing.assert_allclose(grid[2], [high, high])
    np.testing.assert_allclose(grid[4], [0, 0], atol=1e-12)
    np.testing.assert_allclose(grid[6], [low, low])
    assert len(grid) == 9
