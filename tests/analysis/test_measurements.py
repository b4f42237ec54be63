"""The measures of a comparison's runs: reading them, leaving some out, and the CSV table."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from tests.support.known_codes import noise, perfect_code, random_factors
from vae.analysis.factor_map import factor_map
from vae.analysis.findings import StoredScores, save_scores
from vae.analysis.measurements import (
    AGAINST_FACTORS,
    COSTS,
    MEASURES,
    QUICK,
    Protocol,
    csv_table,
    measure_quickly,
    median_run,
    metrics_command,
    quick_seconds,
    read_comparison_scores,
    run_values,
    seed_summary,
    shown_measures,
)
from vae.data.splits import Factor
from vae.metrics.disentanglement import normalised_information
from vae.runs.checkpoint import Atlas, load_run
from vae.runs.comparison import BetaSetting, Comparison
from vae.runs.report import train_command

PUBLISHED = Protocol("gradient-boosting", 5000, 0)


def with_results(run, name, **results):
    """Return the same run with another name, other results and other weights."""
    return dataclasses.replace(
        run,
        path=run.path.with_name(name),
        results=dataclasses.replace(run.results, **results),
        sha256=run.sha256 | {"model.safetensors": name},
    )


@pytest.fixture
def run(copied_checkpoint):
    return load_run(copied_checkpoint)


@pytest.fixture
def setting(run):
    runs = tuple(
        with_results(run, f"run-{place}", test_elbo=elbo)
        for place, elbo in enumerate((-30.0, -50.0, -40.0, -45.0))
    )
    return BetaSetting("beta-vae", 1.0, runs)


def store(run, protocol, scores):
    save_scores(run, StoredScores.now(run.identity, dataclasses.asdict(protocol), scores))


def test_every_measure_is_explained():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        entry = measure.entry
        assert all((entry.meaning, entry.range, entry.estimator, entry.trap, entry.source))
        assert "\u00ad" not in measure.title + measure.noun


def test_abbreviations_keep_their_capitals_in_a_sentence():
    nouns = [measure.noun for measure in (*COSTS, *AGAINST_FACTORS)]
    assert {"distortion", "ELBO", "active units", "MIG", "DCI completeness"} <= set(nouns)
    assert {"FactorVAE score", "β-VAE score", "modularity"} <= set(nouns)


def test_values_are_the_results_and_the_numeric_scores(run):
    scores = {"mig": 0.25, "sap": None, "dci_completeness": float("nan"), "modularity": "high"}
    found = run_values(run, scores | {"label_information": [0.1, 0.6, 0.2], "rows": 5})
    assert found == {
        "distortion": run.results.test_distortion,
        "rate": run.results.test_rate,
        "elbo": run.results.test_elbo,
        "active_units": run.results.active_units,
        "mig": 0.25,
        "label_information": 0.6,
    }
    assert "label_information" not in run_values(run, {"label_information": [0.1, "x"]})


def test_columns_are_factor_scores_or_else_the_others():
    costs = dict.fromkeys(["distortion", "rate", "elbo", "active_units"], 1.0)
    names = [measure.name for measure in shown_measures([costs])]
    assert names == list(costs)
    both = shown_measures([costs, {"mig": 0.1, "gaussian_tc": 1.0}])
    assert [measure.name for measure in both][4:] == ["mig"]
    without = shown_measures([costs | {"gaussian_tc": 1.0, "knn_accuracy": 0.5}])
    assert [measure.name for measure in without][4:] == ["gaussian_tc", "knn_accuracy"]


def test_a_cell_summarises_the_seeds_that_were_measured(setting):
    mig = next(measure for measure in MEASURES if measure.name == "mig")
    values = {"run-0": {"mig": 0.1}, "run-1": {"mig": 0.3}, "run-2": {}}
    spread = seed_summary(setting, mig, values)
    assert (spread.low, spread.high, spread.count) == (0.1, 0.3, 2)
    assert seed_summary(setting, mig, {}) is None


def test_the_median_run_has_the_median_elbo(setting):
    assert median_run(setting).results.test_elbo == -45.0
    assert median_run(dataclasses.replace(setting, runs=setting.runs[:3])).results.test_elbo == -40


def test_stored_scores_are_grouped_by_protocol(run, tmp_path):
    folders = [tmp_path / str(place) for place in range(5)]
    for folder in folders:
        folder.mkdir()
    alike = [dataclasses.replace(run, path=folder) for folder in folders]
    runs = [with_results(each, each.name) for each in alike]
    store(runs[0], QUICK, {"mig": 0.1})
    store(runs[1], PUBLISHED, {"mig": 0.2})
    store(runs[2], PUBLISHED, {"mig": 0.3})
    (folders[3] / "scores.json").write_text("{")
    found = read_comparison_scores(Comparison((BetaSetting("beta-vae", 1.0, tuple(runs)),), ()))
    assert list(found.by_protocol) == [PUBLISHED, QUICK]
    assert found.by_protocol[PUBLISHED] == {"1": {"mig": 0.2}, "2": {"mig": 0.3}}
    assert len(found.refused) == 1


def test_scores_of_other_weights_are_refused(run):
    store(run, PUBLISHED, {"mig": 0.1})
    other = dataclasses.replace(run, sha256=run.sha256 | {"model.safetensors": "0" * 64})
    found = read_comparison_scores(Comparison((BetaSetting("beta-vae", 1.0, (other,)),), ()))
    assert not found.by_protocol
    assert "other weights" in str(found.refused[0])


def test_scores_without_a_protocol_are_left_out(run):
    save_scores(run, StoredScores.now(run.identity, {"rows": "many"}, {"mig": 0.1}))
    found = read_comparison_scores(Comparison((BetaSetting("beta-vae", 1.0, (run,)),), ()))
    assert not found.by_protocol


def test_quick_scores_state_their_rows(run):
    found = measure_quickly(run)
    assert 0 < found["rows"] <= QUICK.rows
    assert run_values(run, found)["knn_accuracy"] > 0.2
    assert quick_seconds(run) > 0


def test_commands_state_the_protocol(run):
    assert metrics_command(run) == "vae metrics checkpoints/copy --save"
    assert metrics_command(run, PUBLISHED) == (
        "vae metrics checkpoints/copy --estimator gradient-boosting --rows 5000 --seed 0 --save"
    )


def test_the_table_has_a_row_for_each_run_with_its_command(setting):
    comparison = Comparison((setting,), ())
    scores = {"run-1": {"mig": 0.125, "estimator": "gradient-boosting", "rows": 5000}}
    values = {run.name: run_values(run, scores.get(run.identity)) for run in setting.runs}
    rows = list(csv.DictReader(io.StringIO(csv_table(comparison, values, scores, PUBLISHED))))
    assert [row["run"] for row in rows] == ["run-0", "run-1", "run-2", "run-3"]
    measured, other = rows[1], rows[0]
    assert float(measured["mig"]) == 0.125
    assert float(measured["elbo"]) == -50.0
    assert (measured["estimator"], measured["score_rows"]) == ("gradient-boosting", "5000")
    assert measured["train_command"] == train_command(setting.runs[1])
    assert "--rows 5000" in measured["metrics_command"]
    assert (other["mig"], other["estimator"], other["metrics_command"]) == ("", "", "")


def test_the_factor_map_is_ordered_by_rate_without_constant_factors(run):
    factors = random_factors(500)
    factors[:, 1] = 2
    codes = (perfect_code(factors[:, [0, 2, 2]]) + 0.1 * noise(500, 3)).astype(np.float32)
    rates = dataclasses.replace(run.results, test_rate_per_dimension=(0.5, 2.0, 1.0))
    known = tuple(map(Factor, ("shape", "size", "x"), (5, 6, 8)))
    known_run = dataclasses.replace(run, results=rates, factors=known)
    atlas = Atlas(codes, np.zeros_like(codes), factors[:, 0], factors)
    found = factor_map(known_run, atlas)
    assert (found.factors, found.latents, found.rates) == (("shape", "x"), (1, 2, 0), (2, 1, 0.5))
    expected = normalised_information(codes[:, [1, 2, 0]], factors[:, [0, 2]])
    np.testing.assert_array_equal(found.shares, expected)
    assert found.rows == 500


def test_there_is_no_factor_map_without_factors_that_vary(run):
    codes = noise(200, 3).astype(np.float32)
    label = np.zeros(200, np.int64)
    assert factor_map(run, Atlas(codes, codes, label)) is None
    constant = np.ones((200, 2), np.int64)
    assert factor_map(run, Atlas(codes, codes, label, constant)) is None
