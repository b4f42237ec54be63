"""The measures of levels and codebooks agree with torch, scipy and counting by hand."""

import json
import math

import numpy as np
import pytest
from scipy.stats import entropy

from vae.__main__ import main
from vae.analysis import codebook as books
from vae.analysis import levels as ladders
from vae.analysis.eval_classifier import EvalClassifier
from vae.core.errors import ConfigError, DataError
from vae.explorer import Explorer
from vae.runs.checkpoint import Atlas, load_run


@pytest.fixture(scope="module")
def root(tmp_path_factory, train_into):
    """A ladder VAE, a flat VAE, a VQ-VAE and a classifier of digits."""
    root = tmp_path_factory.mktemp("levels")
    common = {"epochs": 15, "batch_size": 32, "learning_rate": 3e-3}
    train_into(root / "ladder", 6, kind="ladder", levels=(2, 4), **common)
    train_into(root / "flat", 6, **common)
    train_into(root / "vq", 8, "conv", kind="vq", codebook=24, **common)
    train_into(root / "classifier", 16, kind="classifier", classes=10, **common)
    return root


def test_rates_and_active_units_are_summed_by_level(root):
    run = load_run(root / "ladder")
    rates = run.results.test_rate_per_dimension
    assert ladders.rate_by_level(run) == pytest.approx((sum(rates[:2]), sum(rates[2:])))
    assert sum(ladders.active_by_level(run)) == run.results.active_units
    top, lower = ladders.leading_dimensions(run)
    assert rates[top] == max(rates[:2])
    assert rates[lower] == max(rates[2:])


def test_a_flat_model_has_no_levels(root):
    with pytest.raises(ConfigError, match="--model ladder"):
        ladders.rate_by_level(load_run(root / "flat"))


def test_held_levels_stay_and_the_others_are_samples_of_the_prior(root):
    codes = ladders.resample_below(load_run(root / "ladder"), 1, 400, 5, seed=0)
    assert codes.shape == (400, 5, 6)
    assert np.all(codes[:, :1, :2] == codes[:, :, :2])
    assert codes[:, 0].std(axis=0) == pytest.approx(np.ones(6), abs=0.15)
    below = codes[:, :, 2:].reshape(-1, 4)
    assert np.cov(below.T) == pytest.approx(np.eye(4), abs=0.1)
    free = ladders.resample_below(load_run(root / "ladder"), 0, 3, 2, seed=0)
    assert not np.any(free[:, 0] == free[:, 1])


def test_a_traversal_changes_one_dimension_of_its_level(root):
    run, code = load_run(root / "ladder"), np.arange(6.0)
    rows = ladders.traversals(run, code, 5)
    for row, leading in zip(rows, ladders.leading_dimensions(run), strict=True):
        assert row[:, leading] == pytest.approx(np.linspace(-2.5, 2.5, 5))
        assert np.delete(row, leading, axis=1) == pytest.approx(
            np.tile(np.delete(code, leading), (5, 1))
        )


def test_bounds_are_those_of_the_checkpoint_and_the_likelihood_is_above_the_elbo(root, images):
    for name in ("ladder", "flat"):
        explorer = Explorer.open(root / name)
        found = ladders.measure_bounds(explorer, images, samples=20)
        assert found.elbo == pytest.approx(explorer.run.results.test_elbo, abs=0.3)
        assert found.elbo + 0.05 < found.log_likelihood < found.elbo + 3
        assert found.images == 360


def test_holding_the_top_level_keeps_the_class_more_often_than_chance(root):
    found = ladders.measure_held_levels(
        Explorer.open(root / "ladder"), EvalClassifier.open(root / "classifier"), count=400
    )
    (share,) = found.same_class
    assert 0 <= found.chance <= share <= 1


def test_perplexity_is_exp_of_scipys_entropy():
    counts = np.random.default_rng(0).integers(0, 50, 40)
    counts[:7] = 0
    assert books.perplexity(counts) == pytest.approx(math.exp(entropy(counts)))
    assert books.perplexity(np.full(12, 3)) == pytest.approx(12)


def test_bits_under_fitted_frequencies_are_as_counted_by_hand():
    maps = np.random.default_rng(1).choice(4, (60, 2, 3), p=[0.7, 0.2, 0.1, 0])
    fit, held = maps[::2].reshape(30, 6), maps[1::2].reshape(30, 6)
    by_place, one = 0.0, 0.0
    for image in held:
        for place, code in enumerate(image):
            seen = sum(other[place] == code for other in fit)
            by_place -= math.log2((seen + 0.5) / (30 + 2))
            one -= math.log2(((fit == code).sum() + 0.5) / (180 + 2))
    assert books.bits_by_place(maps, 4) == pytest.approx(by_place / 30)
    assert books.bits_marginal(maps, 4) == pytest.approx(one / 30)


def test_a_codebook_is_measured_on_the_codes_of_the_test_images(root, images):
    explorer = Explorer.open(root / "vq")
    found = books.measure_codebook(explorer)
    maps = explorer.code_grids(explorer.encode(images)[0])
    assert maps.shape == (360, 2, 2)
    values, counts = np.unique(maps, return_counts=True)
    assert (found.used, found.dead) == (len(values), 24 - len(values))
    assert found.perplexity == pytest.approx(math.exp(entropy(counts)))
    assert found.bits_uniform == pytest.approx(4 * math.log2(24))
    assert found.elbo_uniform == pytest.approx(
        -found.distortion - found.bits_uniform * math.log(2), rel=1e-5
    )
    assert found.bits_by_place < found.bits_uniform
    assert found.elbo_by_place > found.elbo_uniform


def test_code_grids_follow_from_vectors_and_a_swap_changes_one_position(root):
    explorer = Explorer.open(root / "vq")
    maps = np.random.default_rng(0).integers(0, 24, (5, 2, 2))
    again = explorer.code_grids(explorer.codes_from_grids(maps))
    vectors = explorer.codebook
    assert vectors[again] == pytest.approx(vectors[maps])
    changed = books.with_code(maps[0], 1, 0, 23)
    assert changed[1, 0] == 23
    assert (changed != maps[0]).sum() <= 1
    with pytest.raises(ConfigError, match="numbers from 0 to 23"):
        explorer.codes_from_grids(maps + 24)
    with pytest.raises(ConfigError, match="--model vq"):
        _ = Explorer.open(root / "flat").codebook


def test_a_codebook_needs_two_test_images(root, monkeypatch):
    explorer = Explorer.open(root / "vq")
    mean, logvar = explorer.atlas.mean[:1], explorer.atlas.logvar[:1]
    monkeypatch.setattr(explorer, "atlas", Atlas(mean, logvar, explorer.atlas.label[:1]))
    with pytest.raises(DataError, match="1 test image"):
        books.measure_codebook(explorer)


def test_code_order_follows_the_direction_of_largest_variance():
    vectors = np.array([[0.0, 3.0], [0.1, -5.0], [0.0, 0.0]])
    order = books.code_order(vectors)
    assert order.tolist() in ([2, 0, 1], [0, 2, 1])


def test_the_commands_print_the_same_numbers(root, capsys):
    options = ["--importance-samples", "5", "--count", "50", "--threads", "1", "--json"]
    ladder, flat = str(root / "ladder"), str(root / "flat")
    assert main(["levels", ladder, "--against", flat, *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["rate_by_level"] == pytest.approx(ladders.rate_by_level(load_run(ladder)))
    assert record["elbo_gain"] == pytest.approx(record["elbo"] - record["against_elbo"])
    assert record["images"] == record["against_images"] == 50
    assert main(["codebook", str(root / "vq"), "--threads", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    expected = books.measure_codebook(Explorer.open(root / "vq"))
    assert record["perplexity"] == pytest.approx(expected.perplexity)
    assert main(["codebook", flat, "--threads", "1"]) == 2
    assert "--model vq" in capsys.readouterr().err
