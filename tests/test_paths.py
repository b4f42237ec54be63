"""Lines and grids through latent space."""

import math

import numpy as np
import pytest
import torch

from vae.errors import ConfigError
from vae.paths import interpolate, lerp, prior_grid, prior_quantiles, slerp, traverse

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


def test_a_straight_line_by_hand():
    path = lerp(np.array([0.0, 2.0]), np.array([4.0, -2.0]), np.array([0.25, 0.5]))
    np.testing.assert_allclose(path, [[1, 1], [2, 0]])


def test_a_quarter_circle_by_hand():
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


def test_kinds_differ_where_the_ends_are_apart(ends):
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


def test_an_unknown_kind_is_answered_with_the_known_ones(ends):
    with pytest.raises(ConfigError, match="linear, spherical"):
        interpolate(*ends, FRACTIONS, "cubic")  # type: ignore[arg-type]


def test_a_traversal_changes_one_dimension_alone(ends):
    z = ends[0].copy()
    codes = traverse(z, 2, np.array([-3.0, 0.0, 3.0]))
    assert codes[:, 2].tolist() == [-3, 0, 3]
    np.testing.assert_array_equal(np.delete(codes, 2, axis=1), [np.delete(z, 2)] * 3)
    np.testing.assert_array_equal(z, ends[0])


@pytest.mark.parametrize("dimension", [-1, 5])
def test_a_traversal_along_a_dimension_that_is_not_there(ends, dimension):
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
