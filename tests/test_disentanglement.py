"""The scores against hand calculation, known codes and an independent implementation."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae import disentanglement
from vae.codes import load_codes
from vae.errors import ConfigError, DataError

SIZES = (5, 6, 8)
PROJECT = Path(__file__).resolve().parents[1]


def random_factors(rows, sizes=SIZES, seed=0):
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(0, size, rows) for size in sizes], axis=1)


def perfect_code(factors):
    return (factors - factors.mean(axis=0)) / factors.std(axis=0)


def noise(rows, latents=4, seed=1):
    return np.random.default_rng(seed).normal(size=(rows, latents))


@pytest.fixture(scope="module")
def perfect():
    """Codes and factors for training, then for testing."""
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


def test_pure_noise():
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


# Hand calculation and invariance


def test_mig_by_hand():
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


def test_continuous_sap_by_hand():
    codes = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 4.0], [4.0, 3.0]])
    factors = np.array([[1], [2], [3], [4]])
    assert disentanglement.sap_continuous(codes, factors) == pytest.approx(1 - 0.6**2)


def test_total_correlation_by_hand():
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


def test_score_uses_gradient_boosting_unless_told():
    factors = random_factors(60, (2, 3))
    scores = disentanglement.score(perfect_code(factors), factors)
    assert scores.estimator == "gradient-boosting"
    assert scores.dci_disentanglement == pytest.approx(1, abs=1e-3)


def test_importing_brings_neither_scikit_learn_nor_streamlit():
    code = "import sys, vae.disentanglement as d; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "streamlit"} & set(loaded.stdout.split())


# Bad input


def test_unknown_estimator(perfect):
    with pytest.raises(ConfigError, match="'forest' is unknown: expected gradient-boosting"):
        disentanglement.dci(*perfect, estimator="forest")


def test_a_factor_that_never_varies_is_named():
    factors = random_factors(100)
    factors[:, 1] = 4
    with pytest.raises(DataError, match="factor 1 has a single value"):
        disentanglement.mig(noise(100), factors)


def test_a_value_that_the_split_leaves_to_one_part():
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


GOOD = {"codes": noise(60), "factors": random_factors(60)}


def edited(name, row, column, value):
    array = GOOD[name].copy()
    array[row, column] = value
    return {name: array}


BAD_ARRAYS = {
    "flat codes": ({"codes": noise(60)[:, 0]}, "codes has shape (60,)"),
    "flat factors": ({"factors": random_factors(60)[:, 0]}, "factors has shape (60,)"),
    "lengths": ({"codes": noise(61)}, "codes has 61 rows and factors 60"),
    "few rows": ({"codes": noise(49), "factors": random_factors(49)}, "49 rows"),
    "no rows": ({"codes": noise(0), "factors": random_factors(0)}, "0 rows"),
    "no latents": ({"codes": noise(60, 0)}, "at least 2 latents"),
    "no factors": ({"factors": random_factors(60)[:, :0]}, "at least 2 factors"),
    "nan": (edited("codes", 3, 0, np.nan), "not finite"),
    "infinity": (edited("codes", 3, 0, np.inf), "not finite"),
    "huge codes": (edited("codes", 3, 0, 1e300), "beyond 1e+30"),
    "complex codes": ({"codes": noise(60) + 1j}, "codes holds complex128"),
    "text codes": ({"codes": np.full((60, 2), "a")}, "codes holds <U1"),
    "real factors": ({"factors": random_factors(60) + 0.5}, "factors holds float64"),
    "constant factor": (edited("factors", slice(None), 1, 7), "factor 1 has a single value"),
    "row numbers": (edited("factors", slice(None), 0, np.arange(60)), "factor 0 has 60 values"),
    "pickled": ({"codes": np.full((60, 2), None)}, "plain arrays"),
}


def complaint(path):
    with pytest.raises(DataError) as caught:
        load_codes(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("arrays", "expected"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_arrays(tmp_path, arrays, expected):
    np.savez(tmp_path / "codes.npz", **(GOOD | arrays))
    assert expected in complaint(tmp_path / "codes.npz")


def test_bad_files(tmp_path):
    assert "No such file" in complaint(tmp_path / "absent.npz")
    assert "directory" in complaint(tmp_path)
    for name, content in {"empty": b"", "text": b"codes", "zip": b"PK\x03\x04 cut short"}.items():
        (tmp_path / name).write_bytes(content)
        assert "expected an .npz" in complaint(tmp_path / name)


def test_bad_archives(tmp_path):
    np.save(tmp_path / "one.npy", noise(60))
    assert "holds one array" in complaint(tmp_path / "one.npy")
    np.savez(tmp_path / "half.npz", codes=noise(60))
    assert "'codes' and 'factors'" in complaint(tmp_path / "half.npz")
    np.savez(tmp_path / "whole.npz", **GOOD)
    damaged = bytearray((tmp_path / "whole.npz").read_bytes())
    damaged[300:310] = b"\xff" * 10
    (tmp_path / "damaged.npz").write_bytes(damaged)
    assert "expected an .npz" in complaint(tmp_path / "damaged.npz")


def test_load_codes_widens_what_it_reads(tmp_path):
    narrow = {"codes": noise(60).astype(np.float32), "factors": random_factors(60).astype("u1")}
    np.savez_compressed(tmp_path / "codes.npz", **narrow)
    known = load_codes(tmp_path / "codes.npz")
    assert (known.codes.dtype, known.factors.dtype) == (np.float64, np.int64)
    np.testing.assert_array_equal(known.codes, narrow["codes"])
    np.testing.assert_array_equal(known.factors, narrow["factors"])
    assert known.test is None


# The independent implementation's scores, where its folder is at hand

REFERENCE = Path(os.environ.get("LATENT_REFERENCE_DIR", PROJECT.parent / "shared/reference"))
CASES = ("one_to_one", "rot45_pair", "noisy", "dead_dims", "duplicated", "pure_noise")


@pytest.fixture(scope="module")
def reference():
    """Of a case: codes and factors for training, then for testing; and the scores."""
    if not (REFERENCE / "scores.json").is_file() or not (REFERENCE / "codes.npz").is_file():
        pytest.skip("no reference scores: set LATENT_REFERENCE_DIR to their folder")
    scores = json.loads((REFERENCE / "scores.json").read_text())
    with np.load(REFERENCE / "codes.npz") as archive:
        arrays = dict(archive)
    return lambda case: ([arrays[f"{case}/{k}"] for k in ("z", "y", "zt", "yt")], scores[case])


@pytest.mark.parametrize("case", CASES)
def test_reference_scores(reference, case):
    (codes, factors, *test), expected = reference(case)
    for name in ("mig", "modularity", "sap_continuous"):
        found = getattr(disentanglement, name)(codes, factors)
        assert found == pytest.approx(expected[name], abs=1e-6), name
    correlation = disentanglement.gaussian_total_correlation(codes)
    assert correlation == pytest.approx(expected["gaussian_tc"], abs=1e-6)
    sap = disentanglement.sap_discrete(codes, factors, *test)
    assert sap == pytest.approx(expected["sap_discrete"], abs=0.02)
    area = disentanglement.explicitness(codes, factors, *test)
    assert area == pytest.approx(expected["explicitness_test"], abs=0.01)


DCI_RUNS = [(case, "random-forest", 0.06) for case in CASES]
DCI_RUNS += [(case, "gradient-boosting", 0.005) for case in ("one_to_one", "rot45_pair")]


@pytest.mark.parametrize(("case", "estimator", "tolerance"), DCI_RUNS)
def test_reference_dci(reference, case, estimator, tolerance):
    arrays, expected = reference(case)
    found = disentanglement.dci(*arrays, estimator=estimator, n_jobs=2)
    names = ("dci_disentanglement", "dci_completeness", "dci_info_test")
    wanted = tuple(expected[name] for name in names)
    assert dataclasses.astuple(found) == pytest.approx(wanted, abs=tolerance)
