"""The FactorVAE and beta-VAE scores are right for known codes, traps and rare values."""

import cProfile

import numpy as np
import pytest

from tests.support.known_codes import noise, perfect_code, random_factors
from vae.core.errors import DataError
from vae.metrics.disentanglement import beta_vae, factor_vae, mig
from vae.metrics.disentanglement.sampled import BATCH, TRAIN_POINTS

BOTH = pytest.mark.parametrize("score", [factor_vae, beta_vae])


@pytest.fixture(scope="module")
def half_known():
    """Returns codes that score between chance and 1: they mix two factors and lose one."""
    factors = random_factors(2000)
    codes = perfect_code(factors) + 0.1 * noise(2000, 3)
    turned = np.stack([codes[:, 0] + codes[:, 1], codes[:, 0] - codes[:, 1]], axis=1)
    return np.concatenate([turned, noise(2000, 1, seed=2)], axis=1), factors


@BOTH
def test_a_perfect_code_scores_one(score):
    factors = random_factors(2000)
    assert score(perfect_code(factors), factors) == 1


@BOTH
def test_noise_scores_chance(score):
    assert score(noise(2000, 4), random_factors(2000)) == pytest.approx(1 / 3, abs=0.03)


def test_rotated_perfect_codes_fool_both_but_not_mig():
    """These are the traps that the docstrings name."""
    factors = random_factors(4000, (5, 6, 8, 10, 12))
    padded = np.pad(perfect_code(factors), ((0, 0), (0, 5)))
    generator = np.random.default_rng(0)
    rotated = [padded @ np.linalg.qr(generator.normal(size=(10, 10)))[0] for _ in range(4)]
    assert np.mean([factor_vae(codes, factors) for codes in rotated]) > 0.85
    assert np.mean([beta_vae(codes, factors) for codes in rotated]) > 0.9
    assert np.mean([mig(codes, factors) for codes in rotated]) < 0.2


def test_noise_as_large_as_the_factors_is_nearly_invisible_to_beta_vae():
    factors = random_factors(4000, (5, 6, 8, 10, 12))
    codes = perfect_code(factors) + noise(4000, 5)
    assert beta_vae(codes, factors) > 0.95
    assert mig(codes, factors) < 0.25


@BOTH
def test_the_seed_decides_the_score(score, half_known):
    assert score(*half_known, seed=3) == score(*half_known, seed=3)
    assert len({score(*half_known, seed=seed) for seed in range(4)}) > 1


@BOTH
def test_the_order_of_latents_and_the_names_of_values_do_not_matter(score, half_known):
    codes, factors = half_known
    expected = score(codes, factors)
    assert 0.4 < expected < 0.95
    renamed = np.array([7, -3, 100, 5, 2, 11, 40, -9])[factors]
    assert score(codes[:, [2, 0, 1]], factors) == pytest.approx(expected, abs=0.03)
    assert score(codes, renamed) == pytest.approx(expected, abs=0.03)


def test_factor_vae_ignores_the_scale_of_latents(half_known):
    codes, factors = half_known
    scaled = codes * np.array([1.0, 30.0, -0.5])
    assert factor_vae(scaled, factors) == factor_vae(codes, factors)


def test_dead_latents_have_no_vote():
    factors = random_factors(2000)
    codes = np.concatenate([perfect_code(factors), 0.04 * noise(2000, 3)], axis=1)
    assert factor_vae(codes, factors) == factor_vae(codes[:, :3], factors) == 1
    assert factor_vae(codes[:, 3:], factors) == 0


@BOTH
def test_a_factor_of_one_value_does_not_count(score, half_known):
    codes, factors = half_known
    constant = np.full((len(factors), 1), 4)
    assert score(codes, np.concatenate([factors, constant], axis=1)) == score(codes, factors)
    with pytest.raises(DataError, match="1 of 2 factors have several values"):
        score(codes, np.concatenate([factors[:, :1], constant], axis=1))


def test_a_value_of_a_single_row_is_never_drawn():
    factors, codes = random_factors(300), noise(300)
    factors[0] = 99
    stray = np.where(np.arange(300)[:, None] == 0, 1000.0, codes)
    assert beta_vae(stray, factors) == beta_vae(codes, factors)


@BOTH
def test_rows_that_share_no_value_are_refused(score):
    rows = np.arange(300)
    with pytest.raises(DataError, match="0 of 2 factors have several values"):
        score(noise(300), np.stack([rows, rows[::-1]], axis=1))


@BOTH
def test_the_rows_that_are_drawn_take_no_loop_in_python(score):
    factors, codes = random_factors(4000, (5, 6, 8, 10, 12)), noise(4000, 10)
    score(codes, factors)  # what is imported at the first call counts nothing
    profile = cProfile.Profile()
    profile.runcall(score, codes, factors)
    assert sum(entry.callcount for entry in profile.getstats()) < TRAIN_POINTS * BATCH / 10
