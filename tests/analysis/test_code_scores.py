"""A checkpoint's codes against its factors and labels, and the scores that its folder keeps."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support.known_codes import noise, perfect_code, random_factors
from vae.analysis.code_scores import assess
from vae.core.errors import (
    CheckpointError,
    DataError,
    ForeignCheckpoint,
    IncompleteCheckpoint,
    NewerCheckpoint,
    StaleScores,
    TamperedCheckpoint,
)
from vae.data.splits import Factor
from vae.metrics.classification import label_scores
from vae.metrics.disentanglement import gaussian_total_correlation, sample_parts, score
from vae.runs.checkpoint import Atlas, load_run
from vae.runs.format import SCORES_FILE
from vae.runs.stored_scores import StoredScores, load_scores, save_scores

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


def test_all_of_it_is_plain_json(run, atlas):
    record = assess(run, atlas, rows=300, estimator="random-forest").to_dict()
    assert record["against"] == ["factors", "labels"]
    assert json.loads(json.dumps(record)) == record
    assert record.keys() >= {"mig", "sap", "factor_vae", "beta_vae", "knn_accuracy", "gaussian_tc"}


def test_without_factors_labels_are_what_is_left(run, atlas):
    run, atlas = dataclasses.replace(run, factors=()), dataclasses.replace(atlas, factors=None)
    found = assess(run, atlas, rows=300)
    chosen = np.random.default_rng(0).permutation(900)[:300]
    assert (found.scores, found.factors, found.against) == (None, (), ("labels",))
    assert found.note == "no factors are known of digits; measured against its labels alone"
    assert found.gaussian_tc == gaussian_total_correlation(atlas.mean[chosen])
    assert "mig" not in found.to_dict()


@pytest.mark.parametrize("label", [-1, 3])
def test_without_labels_either_there_is_still_something(run, atlas, label):
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


def test_too_few_rows(run, atlas):
    with pytest.raises(DataError, match="149 rows of tiny, expected at least 150"):
        assess(run, atlas, rows=149)


# What the folder keeps

SETTINGS = {"rows": 300, "estimator": "random-forest", "seed": 0}
SOME = {"mig": 0.25, "note": None, "factor_vae_by_seed": [0.5, 0.75]}


@pytest.fixture
def kept(copied_checkpoint):
    """A run whose folder keeps scores."""
    run = load_run(copied_checkpoint)
    save_scores(run, StoredScores.now(run.identity, SETTINGS, SOME))
    return run


def edit(run, **changes):
    file = run.path / SCORES_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_nothing_is_kept_until_something_is_saved(tiny_checkpoint):
    assert load_scores(load_run(tiny_checkpoint)) is None


def test_scores_come_back(kept):
    stored = load_scores(kept)
    assert (stored.settings, stored.scores) == (SETTINGS, SOME)
    assert stored.weights == kept.identity
    assert stored.versions.keys() >= {"python", "numpy", "scikit-learn"}
    assert load_run(kept.path) == kept


def test_scores_of_other_weights_are_refused(kept):
    with pytest.raises(StaleScores, match="is of other weights; measure again"):
        load_scores(dataclasses.replace(kept, sha256={"model.safetensors": "0" * 64}))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"format": "something"}, ForeignCheckpoint, "does not hold scores"),
        ({"format_version": "1"}, ForeignCheckpoint, "does not hold scores"),
        ({"format_version": 2}, NewerCheckpoint, "update the program"),
        ({"scores": 3}, TamperedCheckpoint, "expected objects"),
        ({"weights": None}, TamperedCheckpoint, "expected texts"),
        ({"mood": "good"}, TamperedCheckpoint, "unknown key 'mood'"),
    ],
)
def test_scores_that_are_not_as_they_were_written(kept, changes, error, words):
    edit(kept, **changes)
    with pytest.raises(error, match=words) as caught:
        load_scores(kept)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 9000, "[]", "3"])
def test_a_file_that_holds_no_scores(kept, text):
    (kept.path / SCORES_FILE).write_text(text)
    with pytest.raises((IncompleteCheckpoint, ForeignCheckpoint)):
        load_scores(kept)


def test_scores_that_cannot_be_written(kept):
    (kept.path / SCORES_FILE).unlink()
    (kept.path / SCORES_FILE).mkdir()
    (kept.path / SCORES_FILE / "x").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_scores(kept, StoredScores.now(kept.identity, SETTINGS, SOME))
