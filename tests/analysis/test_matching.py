"""Matching restores the order and signs of shuffled latent dimensions."""

import itertools

import numpy as np
import pytest

from vae.analysis.matching import match_dimensions


def test_a_shuffled_flipped_and_scaled_copy_is_found_again():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((500, 5)).astype(np.float32)
    order, signs = np.array([3, 0, 4, 1, 2]), np.array([1, -1, -1, 1, -1])
    other = np.empty_like(codes)
    other[:, order] = codes * signs * np.array([1, 5, 0.1, 2, 1]) + 3
    found = match_dimensions(codes, other)
    np.testing.assert_array_equal(found.dimensions, order)
    np.testing.assert_array_equal(found.signs, signs)
    np.testing.assert_allclose(found.correlations, 1, atol=1e-6)


def test_no_other_matching_has_a_larger_sum():
    rng = np.random.default_rng(1)
    first = rng.standard_normal((200, 4))
    second = first @ rng.standard_normal((4, 4)) + rng.standard_normal((200, 4))
    table = np.abs(np.corrcoef(first, second, rowvar=False)[:4, 4:])
    best = max(sum(table[i, p[i]] for i in range(4)) for p in itertools.permutations(range(4)))
    assert match_dimensions(first, second).correlations.sum() == pytest.approx(best)


def test_a_dead_dimension_matches_without_correlation():
    rng = np.random.default_rng(2)
    codes = rng.standard_normal((100, 3))
    dead = np.column_stack([codes[:, 2], np.full(100, 0.3), codes[:, 0]])
    found = match_dimensions(codes, dead)
    np.testing.assert_array_equal(found.dimensions, [2, 1, 0])
    assert found.correlations[1] == 0.0
