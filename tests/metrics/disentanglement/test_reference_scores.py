"""Every score agrees with an independent implementation, where its folder is present.

Tolerances are those of the reference. Gradient boosting has two cases, because each takes 15 s.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.support.slow import slow_except
from vae.metrics import disentanglement

PROJECT = Path(__file__).resolve().parents[3]
REFERENCE = Path(os.environ.get("LATENT_REFERENCE_DIR", PROJECT.parent / "shared/reference"))
CASES = ("one_to_one", "rot45_pair", "noisy", "dead_dims", "duplicated", "pure_noise")
EXACT, FOREST, BOOSTED, SAMPLED = 1e-6, 0.06, 0.005, 0.06
TOLERANCES = {
    "mig": ("mig", EXACT),
    "modularity": ("modularity", EXACT),
    "sap_continuous": ("sap_continuous", EXACT),
    "gaussian_tc": ("gaussian_tc", EXACT),
    "sap": ("sap_discrete", 0.02),
    "explicitness": ("explicitness_test", 0.01),
}
"""Of each score: the reference's name of it, and how far apart they may be."""

DCI = {
    "dci_disentanglement": "dci_disentanglement",
    "dci_completeness": "dci_completeness",
    "dci_informativeness": "dci_info_test",
}


@pytest.fixture(scope="module")
def reference():
    """Returns a case: codes and factors, the same for testing, and the scores."""
    if not (REFERENCE / "scores.json").is_file() or not (REFERENCE / "codes.npz").is_file():
        pytest.skip("no reference scores: set LATENT_REFERENCE_DIR to their folder")
    scores = json.loads((REFERENCE / "scores.json").read_text())
    with np.load(REFERENCE / "codes.npz") as archive:
        arrays = dict(archive)

    def case(name):
        train, test = (
            [arrays[f"{name}/{key}"] for key in keys] for keys in (("z", "y"), ("zt", "yt"))
        )
        return train, tuple(test), scores[name]

    return case


@pytest.mark.parametrize("case", slow_except(CASES, ["one_to_one", "noisy"]))
def test_scores_with_a_test_part(reference, case):
    train, test, expected = reference(case)
    found = disentanglement.score(*train, test, estimator="random-forest", n_jobs=2)
    for name, (theirs, tolerance) in TOLERANCES.items():
        assert getattr(found, name) == pytest.approx(expected[theirs], abs=tolerance), name
    for name, theirs in DCI.items():
        assert getattr(found, name) == pytest.approx(expected[theirs], abs=FOREST), name
    for name in ("factor_vae", "beta_vae"):
        wanted = np.mean(expected[name])
        assert getattr(found, f"{name}_by_seed") == pytest.approx([wanted] * 3, abs=SAMPLED), name
        assert getattr(found, name) == pytest.approx(wanted, abs=SAMPLED), name
    assert (found.rows, found.test_rows) == (4000, 2000)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["one_to_one", "rot45_pair"])
def test_gradient_boosting_agrees_with_the_reference(reference, case):
    train, test, expected = reference(case)
    found = disentanglement.dci(*train, *test, n_jobs=2)
    for name, theirs in DCI.items():
        score = getattr(found, name.removeprefix("dci_"))
        assert score == pytest.approx(expected[theirs], abs=BOOSTED), name


@pytest.mark.parametrize("case", ["noisy", "one_to_one"])
def test_without_a_test_part_two_thirds_come_close(reference, case):
    """Informativeness and explicitness come from other rows and are close; the rest is equal."""
    train, _, expected = reference(case)
    found = disentanglement.score(*train, estimator="random-forest", n_jobs=2)
    assert found.dci_informativeness == pytest.approx(expected["dci_info_test"], abs=0.03)
    assert found.explicitness == pytest.approx(expected["explicitness_test"], abs=0.02)
    for name in ("mig", "modularity", "sap_continuous", "gaussian_tc"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=EXACT), name
    assert found.sap == pytest.approx(expected["sap_discrete"], abs=0.02)
    assert found.test_rows == 0


@pytest.mark.parametrize("case", CASES)
def test_entropies_and_their_shares_are_right(reference, case):
    (codes, factors), _, expected = reference(case)
    found = disentanglement.factor_entropies(factors)
    assert found == pytest.approx(expected["factor_entropy"], abs=1e-6)
    shares = disentanglement.normalised_information(codes.astype(np.float64), factors)
    second, best = np.sort(shares, axis=0)[-2:]
    assert np.mean(best - second) == pytest.approx(expected["mig"], abs=EXACT)
