"""Planes through latent space project and lift codes."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vae.core.errors import ConfigError
from vae.explorer.latent.projection import direction_plane, overview_plane, pair_plane, pca_plane


@pytest.fixture
def codes() -> np.ndarray:
    random = np.random.default_rng(0)
    mixed = random.normal(size=(300, 4)) @ random.normal(size=(4, 4))
    return mixed + np.array([3.0, -1.0, 0.5, 2.0])


def test_the_pair_plane_is_two_of_the_columns(codes):
    plane = pair_plane(codes, 3, 1)
    np.testing.assert_allclose(plane.project(codes), codes[:, [3, 1]])
    assert plane.labels == ("z4", "z2")
    shares = codes.var(axis=0)
    assert plane.kept_variance == pytest.approx((shares[3] + shares[1]) / shares.sum())


def test_points_of_a_pair_plane_keep_the_other_dimensions_of_a_code(codes):
    through = np.array([9.0, 8.0, 7.0, 6.0])
    lifted = pair_plane(codes, 0, 2, through).lift(np.array([[-1.0, 5.0]]))
    np.testing.assert_allclose(lifted, [[-1, 8, 5, 6]])
    np.testing.assert_allclose(pair_plane(codes, 0, 2).lift(np.array([[-1.0, 5.0]]))[0, 1], 0)
    assert through.tolist() == [9, 8, 7, 6]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (-1, 2), (0, 4)])
def test_a_pair_must_be_two_dimensions_of_the_model(codes, first, second):
    with pytest.raises(ConfigError, match="two different dimensions from 0 to 3"):
        pair_plane(codes, first, second)


def test_the_principal_plane_agrees_with_scikit_learn(codes):
    plane, reference = pca_plane(codes), PCA(2).fit(codes)
    expected = reference.transform(codes)
    signs = np.sign((plane.project(codes) * expected).sum(axis=0))
    np.testing.assert_allclose(plane.project(codes), expected * signs, atol=1e-9)
    assert plane.kept_variance == pytest.approx(reference.explained_variance_ratio_.sum())


def test_the_principal_plane_does_not_flip_with_the_order_of_the_codes(codes):
    first, second = pca_plane(codes), pca_plane(codes[::-1])
    np.testing.assert_allclose(first.basis, second.basis, atol=1e-9)
    largest = np.abs(first.basis).argmax(axis=1)
    assert (first.basis[[0, 1], largest] > 0).all()


@pytest.mark.parametrize("make", [pca_plane, lambda codes: pair_plane(codes, 1, 2)])
def test_lifting_undoes_projecting_within_the_plane(codes, make):
    plane = make(codes)
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(2), atol=1e-12)
    points = np.array([[0.0, 0.0], [1.5, -2.0]])
    np.testing.assert_allclose(plane.project(plane.lift(points)), points, atol=1e-12)


def test_two_dimensions_are_kept_whole():
    codes = np.random.default_rng(1).normal(size=(50, 2))
    plane = pca_plane(codes)
    assert plane.kept_variance == pytest.approx(1)
    np.testing.assert_allclose(plane.lift(plane.project(codes)), codes)


def test_one_dimension_has_no_plane():
    with pytest.raises(ConfigError, match="at least two latent dimensions"):
        pca_plane(np.zeros((5, 1)))


def test_the_overview_is_of_the_dimensions_themselves_where_there_are_two(codes):
    flat = overview_plane(codes[:, :2])
    assert flat.labels == ("z1", "z2")
    np.testing.assert_array_equal(flat.project(codes[:, :2]), codes[:, :2])
    assert flat.kept_variance == pytest.approx(1)


def test_the_overview_of_more_dimensions_is_the_principal_plane(codes):
    overview, principal = overview_plane(codes), pca_plane(codes)
    assert overview.labels == principal.labels
    np.testing.assert_array_equal(overview.project(codes), principal.project(codes))


@pytest.mark.parametrize(
    "codes",
    [np.ones((1, 3)), np.ones((9, 3)), np.arange(9)[:, None] * np.eye(3)[1:2]],
    ids=["one code", "all alike", "on a line"],
)
@pytest.mark.parametrize(
    "make",
    [
        pca_plane,
        lambda codes: pair_plane(codes, 0, 1),
        lambda codes: direction_plane(codes, np.array([0.0, 1.0, 0.0])),
    ],
    ids=["principal", "pair", "direction"],
)
def test_codes_without_two_directions_still_get_a_plane(codes, make):
    plane = make(codes.astype(np.float32))
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(2), atol=1e-6)
    assert plane.kept_variance == pytest.approx(1)
