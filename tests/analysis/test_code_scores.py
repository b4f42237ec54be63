"""The scores of a checkpoint's codes against its factors and labels."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support.known_codes import noise, perfect_code, random_factors
from vae.analysis.code_scores import assess
from vae.core.errors import DataError
from vae.data.splits import Factor
from vae.metrics.classification import label_scores
from vae.metrics.disentanglement import gaussian_total_correlation, sample_parts, score
from vae.runs.checkpoint import Atlas, load_run

NAMES = ("shape", "size", "x")


@pytest.fixture
def run(tiny_checkpoint):
    """A run of three latents whose images have three factors."""
    factors = tuple(map(Factor, NAMES, (5, 6, 8)))
    return dataclasses.replace(load_run(tiny_checkpoint), factors=factors)


@pytest.fixture
def atlas():
    factors = random_factors(900)
    codes = (perfect_code(factors) + 0.3 * noise(900, 3)).astype(np.float32)
    return Atlas(codes, np.zeros_like(codes), factors[:, 0], factors)


def test_factors_and_labels_are_both_measured(run, atlas):
    found = assess(run, atlas, rows=300, estimator="random-forest", seed=1)
    train, test = sample_parts(atlas.mean, atlas.factors, 300, 1)
    chosen = np.random.default_rng(1).permutation(900)[:300]
    assert found.scores == score(*train, test, "random-forest", 1)
    assert found.labels == label_scores(atlas.mean[chosen], atlas.label[chosen], 1)
    assert (found.against, found.factors) == (("factors", "labels"), NAMES)
    assert (found.scores.rows, found.scores.test_rows, found.rows) == (300, 300, 300)
    assert found.scores.mig > 0.3
    assert found.note is None
    assert found.rate_per_dimension == run.results.test_rate_per_dimension
    assert found == assess(run, atlas, rows=300, estimator="random-forest", seed=1)


def test_the_record_is_plain_json(run, atlas):
    record = assess(run, atlas, rows=300, estimator="random-forest").to_dict()
    assert record["against"] == ["factors", "labels"]
    assert json.loads(json.dumps(record)) == record
    assert record.keys() >= {"mig", "sap", "factor_vae", "beta_vae", "knn_accuracy", "gaussian_tc"}


def test_without_factors_only_labels_are_scored(run, atlas):
    run, atlas = dataclasses.replace(run, factors=()), dataclasses.replace(atlas, factors=None)
    found = assess(run, atlas, rows=300)
    chosen = np.random.default_rng(0).permutation(900)[:300]
    assert (found.scores, found.factors, found.against) == (None, (), ("labels",))
    assert found.note == "no factors are known of digits; measured against its labels alone"
    assert found.gaussian_tc == gaussian_total_correlation(atlas.mean[chosen])
    assert "mig" not in found.to_dict()


@pytest.mark.parametrize("label", [-1, 3])
def test_without_factors_and_labels_the_total_correlation_is_left(run, atlas, label):
    run = dataclasses.replace(run, factors=())
    atlas = dataclasses.replace(atlas, factors=None, label=np.full(900, label))
    found = assess(run, atlas)
    assert (found.scores, found.labels, found.against) == (None, None, ())
    assert found.note == "no factors are known of digits; measured without them"
    assert found.to_dict()["active_units"] == run.results.active_units


def test_a_factor_of_one_value_is_left_out(run, atlas):
    atlas.factors[:, 1] = 2
    found = assess(run, atlas, rows=300, estimator="random-forest")
    assert found.factors == ("shape", "x")
    assert np.shape(found.scores.mutual_information) == (3, 2)


def test_one_factor_or_one_latent_is_too_few(run, atlas):
    one = dataclasses.replace(run, model=dataclasses.replace(run.model, latent_dim=1))
    single = {"mean": atlas.mean[:, :1], "logvar": atlas.logvar[:, :1]}
    found = assess(one, dataclasses.replace(atlas, **single))
    assert (found.scores, found.labels is None) == (None, False)
    assert found.note.startswith("factor scores need at least 2 latents")
    atlas.factors[:, 1:] = 0
    assert assess(run, atlas).note.startswith("fewer than two factors of digits vary")


def test_too_few_rows_are_refused(run, atlas):
    with pytest.raises(DataError, match="149 rows of tiny, expected at least 150"):
        assess(run, atlas, rows=149)
