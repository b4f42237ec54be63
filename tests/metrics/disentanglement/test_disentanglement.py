"""The scores agree with hand calculation and with known codes."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from tests.support.known_codes import noise, perfect_code, random_factors
from vae.core.errors import ConfigError, DataError
from vae.metrics import disentanglement

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def perfect():
    """Returns codes and factors for training, then for testing."""
    train, test = random_factors(3000), random_factors(1500, seed=2)
    return perfect_code(train), train, perfect_code(test), test


# Known codes


def test_perfect_code_scores_one(perfect):
    codes, factors, *_ = perfect
    assert disentanglement.mig(codes, factors) == pytest.approx(1, abs=0.02)
    assert disentanglement.modularity(codes, factors) == pytest.approx(1, abs=1e-3)
    assert disentanglement.sap_continuous(codes, factors) == pytest.approx(1, abs=0.01)
    assert disentanglement.gaussian_total_correlation(codes) == pytest.approx(0, abs=0.01)
    assert disentanglement.explicitness(*perfect) == pytest.approx(1, abs=1e-3)


def test_discrete_sap_of_a_perfect_code_stays_well_below_one(perfect):
    assert 0.1 < disentanglement.sap_discrete(*perfect) < 0.5


def test_dci_of_a_perfect_code_is_one(perfect):
    scores = disentanglement.dci(*perfect, estimator="random-forest")
    assert dataclasses.astuple(scores) == pytest.approx((1, 1, 1), abs=1e-3)


def test_pure_noise_scores_low():
    factors, codes = random_factors(4000), noise(4000)
    halves = codes[:3000], factors[:3000], codes[3000:], factors[3000:]
    assert disentanglement.mig(codes, factors) == pytest.approx(0, abs=0.01)
    assert disentanglement.sap_continuous(codes, factors) == pytest.approx(0, abs=0.01)
    assert disentanglement.explicitness(*halves) == pytest.approx(0.5, abs=0.05)
    assert disentanglement.modularity(codes, factors) > 0.3


def test_a_duplicated_factor_has_no_gap():
    factors = random_factors(2000)
    twice = np.tile(perfect_code(factors), 2)
    assert disentanglement.mig(twice, factors) == 0
    assert disentanglement.sap_continuous(twice, factors) == pytest.approx(0, abs=1e-12)


def test_the_traps_that_docstrings_name():
    factors = random_factors(4000, (5, 6, 8, 10, 12))
    perfect = perfect_code(factors)
    sap = disentanglement.sap_discrete(perfect, factors, perfect, factors)
    assert sap == pytest.approx(0.25, abs=0.05)
    assert disentanglement.modularity(noise(4000, 5), factors) == pytest.approx(0.6, abs=0.1)


# Hand calculation and invariance


def test_mutual_information_agrees_with_values_by_hand():
    factors = np.stack([np.repeat([0, 1, 2, 3], 25), np.tile([0, 1], 50)], axis=1)
    codes = np.stack([factors[:, 0], factors[:, 0] // 2, np.zeros(100)], axis=1).astype(float)
    found = disentanglement.mutual_information(codes, factors)
    independent = disentanglement.mutual_information(codes, factors[:, 1:])
    assert found.shape == (3, 2)
    assert found[:, 0] == pytest.approx([math.log(4), math.log(2), 0])
    np.testing.assert_array_equal(found[:, 1:], independent)
    shares = disentanglement.normalised_information(codes, factors)
    assert shares[:, 0] == pytest.approx([1, 0.5, 0])


def test_the_share_of_a_constant_factor_is_0():
    factors = random_factors(100)
    factors[:, 1] = 4
    shares = disentanglement.normalised_information(noise(100), factors)
    assert (shares[:, 1] == 0).all()
    assert (shares[:, 0] > 0).all()


def test_mig_agrees_with_values_by_hand():
    latent, factor = np.array([0, 0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 0, 1, 1])
    codes = np.stack([latent, np.zeros(8)], axis=1)
    information = (
        4 / 8 * math.log((4 / 8) / (5 / 8 * 5 / 8))
        + 1 / 8 * math.log((1 / 8) / (5 / 8 * 3 / 8))
        + 1 / 8 * math.log((1 / 8) / (3 / 8 * 5 / 8))
        + 2 / 8 * math.log((2 / 8) / (3 / 8 * 3 / 8))
    )
    entropy = -5 / 8 * math.log(5 / 8) - 3 / 8 * math.log(3 / 8)
    assert disentanglement.mig(codes, factor[:, None]) == pytest.approx(information / entropy)


def test_continuous_sap_agrees_with_values_by_hand():
    codes = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 4.0], [4.0, 3.0]])
    factors = np.array([[1], [2], [3], [4]])
    assert disentanglement.sap_continuous(codes, factors) == pytest.approx(1 - 0.6**2)


def test_total_correlation_agrees_with_values_by_hand():
    x, y = np.array([1.0, -1, 1, -1]), np.array([1.0, -1, -1, 1])
    codes = np.stack([x, 0.6 * x + 0.8 * y], axis=1)
    expected = -0.5 * math.log(1 - 0.6**2)
    assert disentanglement.gaussian_total_correlation(codes) == pytest.approx(expected)


def test_total_correlation_stays_finite():
    x = noise(100, 1)
    copies = np.concatenate([x, 2 * x, np.full_like(x, 0.1)], axis=1)
    assert 15 < disentanglement.gaussian_total_correlation(copies) < 25
    assert disentanglement.gaussian_total_correlation(np.full((100, 3), 0.1)) == 0


def test_mig_ignores_order_sign_scale_and_shift_of_latents():
    factors = random_factors(2000)
    codes = perfect_code(factors) + 0.3 * noise(2000, 3)
    changed = codes[:, [2, 0, 1]] * np.array([-1.0, 4.0, -0.5]) + 3
    expected = disentanglement.mig(codes, factors)
    assert 0.1 < expected < 0.9
    assert disentanglement.mig(changed, factors) == pytest.approx(expected, abs=1e-9)


def test_numbering_values_otherwise_changes_no_information():
    factors = random_factors(2000)
    codes = perfect_code(factors) + 0.3 * noise(2000, 3)
    renamed = np.array([7, -3, 100, 5, 2, 11, 40, -9])[factors]
    for name in ("mig", "modularity"):
        score = getattr(disentanglement, name)
        assert score(codes, renamed) == pytest.approx(score(codes, factors), abs=1e-12)


@pytest.mark.parametrize("scale", [1e-310, 1e-17, 1e25])
def test_odd_scales_neither_warn_nor_fail(scale):
    factors = random_factors(60, (2, 3))
    codes = noise(60) * np.array([1, 1, scale, 0]) + np.array([0, 1, 1, 1])
    scores = disentanglement.score(codes, factors, estimator="random-forest")
    numbers = [v for v in dataclasses.astuple(scores) if isinstance(v, float)]
    assert len(numbers) == 11
    assert all(math.isfinite(v) for v in numbers)


# All scores together


def test_score_collects_every_score_and_repeats_itself(perfect):
    codes, factors = perfect[0][:600], perfect[1][:600]
    scores = disentanglement.score(codes, factors, estimator="random-forest", seed=3)
    again = disentanglement.score(codes, factors, estimator="random-forest", seed=3, n_jobs=2)
    assert scores == again
    assert scores.estimator == "random-forest"
    assert scores.mig == disentanglement.mig(codes, factors)
    assert scores.dci_informativeness == pytest.approx(1, abs=0.05)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scores.mig = 0.0


def test_sampled_scores_are_means_over_seeds(perfect):
    codes, factors = perfect[0][:300] + 2 * noise(300, 3), perfect[1][:300]
    scores = disentanglement.score(codes, factors, estimator="random-forest", seed=5)
    assert scores.sampling_seeds == (5, 6, 7)
    for name in ("factor_vae", "beta_vae"):
        score = getattr(disentanglement, name)
        each = tuple(score(codes, factors, seed) for seed in (5, 6, 7))
        assert getattr(scores, f"{name}_by_seed") == each
        assert getattr(scores, name) == pytest.approx(np.mean(each))
    information = disentanglement.mutual_information(codes, factors)
    np.testing.assert_array_equal(scores.mutual_information, information)


def test_scores_are_tested_on_the_test_part(perfect):
    codes, factors, test_codes, test_factors = (array[:300] for array in perfect)
    wrong = (test_factors + 1) % np.array([5, 6, 8])
    right = disentanglement.score(codes, factors, (test_codes, test_factors), "random-forest")
    fooled = disentanglement.score(codes, factors, (test_codes, wrong), "random-forest")
    assert right.dci_informativeness > 0.9
    assert fooled.dci_informativeness < 0.1
    assert right.mig == fooled.mig == disentanglement.mig(codes, factors)
    assert (right.rows, right.test_rows) == (300, 300)


def test_quick_scores_name_their_estimator_and_rows(perfect):
    codes, factors, *_ = perfect
    quick = disentanglement.quick_score(codes, factors, rows=400, seed=1)
    assert quick == disentanglement.quick_score(codes, factors, rows=400, seed=1)
    assert quick != disentanglement.quick_score(codes, factors, rows=400, seed=2)
    assert (quick.estimator, quick.rows, quick.test_rows) == ("random-forest", 400, 400)
    assert quick.mig == pytest.approx(1, abs=0.05)


def test_quick_scores_fit_one_small_forest_on_few_rows_for_each_factor(monkeypatch):
    fits, fit = [], RandomForestClassifier.fit

    def counted(forest, rows, *arguments, **options):
        fits.append((len(rows), forest.n_estimators))
        return fit(forest, rows, *arguments, **options)

    monkeypatch.setattr(RandomForestClassifier, "fit", counted)
    count = 3 * disentanglement.QUICK_ROWS
    disentanglement.quick_score(noise(count), random_factors(count, (5, 6)))
    assert fits == [(disentanglement.QUICK_ROWS, 50)] * 2


@pytest.mark.parametrize(("rows", "parts"), [(30, (30, 30)), (60, (60, 40)), (999, (67, 33))])
def test_parts_share_no_row(rows, parts):
    each = np.arange(100)
    train, test = disentanglement.sample_parts(each[:, None] * 1.0, each[:, None], rows, seed=0)
    for codes, factors in (train, test):
        np.testing.assert_array_equal(codes, factors)
    assert (len(train[0]), len(test[0])) == parts
    assert not set(train[1].ravel()) & set(test[1].ravel())


def test_score_uses_gradient_boosting_unless_told():
    factors = random_factors(60, (2, 3))
    scores = disentanglement.score(perfect_code(factors), factors)
    assert scores.estimator == "gradient-boosting"
    assert scores.dci_disentanglement == pytest.approx(1, abs=1e-3)


def test_importing_brings_neither_scikit_learn_nor_streamlit():
    code = "import sys, vae.metrics.disentanglement, vae.metrics.glossary; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "streamlit"} & set(loaded.stdout.split())


# Bad input


def test_an_unknown_estimator_is_refused(perfect):
    with pytest.raises(ConfigError, match="'forest' is unknown: expected gradient-boosting"):
        disentanglement.dci(*perfect, estimator="forest")


def test_a_constant_factor_is_named_in_the_error():
    factors = random_factors(100)
    factors[:, 1] = 4
    with pytest.raises(DataError, match="factor 1 has a single value"):
        disentanglement.mig(noise(100), factors)


def test_a_value_in_only_one_part_of_the_split_is_refused():
    factors = random_factors(60)
    factors[:, 2] = 0
    factors[7, 2] = 1
    with pytest.raises(DataError, match=r"factor 2 has a single value in the .* part"):
        disentanglement.score(noise(60), factors)


def test_one_latent_or_one_factor_is_too_few():
    factors = random_factors(60)
    with pytest.raises(DataError, match="at least 2 latents"):
        disentanglement.mig(noise(60, 1), factors)
    with pytest.raises(DataError, match="at least 2 factors"):
        disentanglement.modularity(noise(60), factors[:, :1])
    with pytest.raises(DataError, match="at least 2 factors"):
        disentanglement.score(noise(60), factors[:, :1])
