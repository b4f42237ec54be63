"""The rate curve of a multi-rate model is measured, stored, interpolated and compared."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.blobs import read_blob
from tests.support.checkpoint_files import update_sha256
from vae.core.errors import ConfigError, IncompleteCheckpoint, TamperedCheckpoint
from vae.explorer import Explorer
from vae.metrics.evaluation import encode_split, evaluate
from vae.metrics.rate_curve import RateCurve, beta_grid
from vae.runs.checkpoint import load_curve, load_model, load_run
from vae.runs.format import CURVE_FILE
from vae.viewer.pack import pack_decoder, pack_multi_rate_decoder, pack_rate_curve


@pytest.fixture(scope="module")
def multi_rate_checkpoint(tmp_path_factory, train_into):
    path = tmp_path_factory.mktemp("multi-rate") / "any-beta"
    return train_into(path, latent_dim=3, epochs=3, batch_size=16, beta_range=(0.1, 10.0))


@pytest.fixture(scope="module")
def curve(multi_rate_checkpoint) -> RateCurve:
    found = load_curve(load_run(multi_rate_checkpoint))
    assert found is not None
    return found


def test_the_grid_has_equal_steps_and_both_ends():
    betas = beta_grid(0.1, 10.0)
    assert len(betas) == 17
    np.testing.assert_allclose(betas[[0, 8, 16]], [0.1, 1.0, 10.0])
    np.testing.assert_allclose(np.diff(np.log(betas)), math.log(10) / 8)
    assert len(beta_grid(1.0, 1.01)) == 2


def test_the_stored_curve_is_that_of_the_stored_weights(multi_rate_checkpoint, curve, digits):
    model = load_model(load_run(multi_rate_checkpoint))
    for place in (0, 5, 16):
        plain = model.at_beta(float(curve.betas[place]))
        found = evaluate(plain, digits.test)
        assert curve.distortion[place] == pytest.approx(found.distortion)
        assert curve.rate[place] == pytest.approx(found.rate)
        np.testing.assert_array_equal(~curve.active[place], np.isin(range(3), found.inactive))
        mean = encode_split(plain, digits.test).mean
        np.testing.assert_allclose(curve.means[place], mean, rtol=2**-10, atol=1e-6)
        np.testing.assert_array_equal(curve.means_of(7)[place], curve.means[place, 7])


def test_a_short_training_already_trades_rate_for_distortion(curve):
    assert curve.rate[0] > curve.rate[8] > curve.rate[16]
    assert curve.distortion[0] < curve.distortion[8] < curve.distortion[16]


def test_results_are_those_of_the_beta_that_is_reported_at(multi_rate_checkpoint, curve):
    results = load_run(multi_rate_checkpoint).results
    assert curve.betas[8] == pytest.approx(1.0)
    assert results.test_distortion == pytest.approx(curve.distortion[8])
    assert results.test_rate == pytest.approx(curve.rate[8])


def test_the_objective_between_two_betas_of_the_grid(curve):
    between = math.sqrt(curve.betas[3] * curve.betas[4])
    distortion = (curve.distortion[3] + curve.distortion[4]) / 2
    rate = (curve.rate[3] + curve.rate[4]) / 2
    assert curve.objective(between) == pytest.approx(distortion + between * rate)
    assert curve.objective(10.0) == pytest.approx(curve.distortion[16] + 10 * curve.rate[16])


def test_gaps_are_relative_to_the_model_of_one_beta(multi_rate_checkpoint, curve):
    explorer = Explorer.open(multi_rate_checkpoint)
    run = explorer.run
    apart = [
        replace(
            run,
            train=replace(run.train, beta=beta, seed=4, epochs=9),
            results=replace(run.results, test_distortion=20.0, test_rate=2.0, epochs_trained=9.0),
        )
        for beta in (1.0, 20.0)
    ]
    (gap,) = explorer.rate_gaps(apart)
    assert (gap.beta, gap.seed, gap.epochs) == (1.0, 4, (3.0, 9.0))
    assert gap.single_rate == 22.0
    assert gap.relative == pytest.approx(curve.objective(1.0) / 22.0 - 1)


def test_an_explorer_shows_the_model_at_its_own_beta(multi_rate_checkpoint, curve):
    explorer = Explorer.open(multi_rate_checkpoint)
    plain = load_model(explorer.run).at_beta(1.0)
    z = np.array([[0.5, -1.0, 2.0]], dtype=np.float32)
    expected = plain.decode_mean(torch.from_numpy(z)).numpy()[:, 0]
    np.testing.assert_allclose(explorer.decode(z)[..., 0], expected, atol=1e-6)
    np.testing.assert_allclose(explorer.atlas.mean, curve.means[8], rtol=2**-9, atol=1e-5)


def test_the_browser_gets_the_plain_decoder_and_the_one_of_all_betas(multi_rate_checkpoint, curve):
    explorer = Explorer.open(multi_rate_checkpoint)
    plain, _ = read_blob(pack_decoder(explorer))
    assert {layer["kind"] for layer in plain["layers"]} == {"linear", "relu"}
    gated, _ = read_blob(pack_multi_rate_decoder(explorer, "all"))
    assert gated["id"] == "all"
    assert gated["beta_range"] == [0.1, 10.0]
    assert [layer["kind"] for layer in gated["layers"]].count("gate") == 2
    header, arrays = read_blob(pack_rate_curve(explorer, "curve"))
    assert header["id"] == "curve"
    first, second = explorer.dimensions_by_rate()[:2]
    np.testing.assert_allclose(arrays["points"], curve.means[:, :, [first, second]], atol=1e-6)


def test_a_model_of_one_beta_has_no_curve(tiny_checkpoint):
    assert load_curve(load_run(tiny_checkpoint)) is None
    assert Explorer.open(tiny_checkpoint).curve is None


@pytest.fixture
def copied(multi_rate_checkpoint, tmp_path):
    import shutil

    return shutil.copytree(multi_rate_checkpoint, tmp_path / "copy")


def test_a_curve_that_is_missing_or_changed_is_refused(copied):
    file = copied / CURVE_FILE
    tensors = load_file(file)
    save_file(tensors | {"distortion": tensors["distortion"] + 1}, file)
    with pytest.raises(TamperedCheckpoint, match="sha256"):
        load_curve(load_run(copied))
    file.unlink()
    with pytest.raises(IncompleteCheckpoint, match=r"curve\.safetensors is missing"):
        load_curve(load_run(copied))


@pytest.mark.parametrize("name", ["betas", "rate_per_dimension", "means"])
def test_a_curve_of_another_shape_is_refused(copied, name):
    tensors = load_file(copied / CURVE_FILE)
    save_file(tensors | {name: tensors[name][:-1].clone()}, copied / CURVE_FILE)
    update_sha256(copied, CURVE_FILE)
    with pytest.raises(TamperedCheckpoint, match=f"tensor {name} has shape"):
        load_curve(load_run(copied))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": 20.0}, "0.1 to 10, not 20"),
        ({"free_bits": 0.1}, "no free bits"),
        ({"objective": "beta-tcvae"}, "objective beta-vae"),
    ],
)
def test_what_does_not_go_with_a_range_of_betas_is_refused(tmp_path, train_into, changes, message):
    with pytest.raises(ConfigError, match=message):
        train_into(tmp_path / "run", latent_dim=2, epochs=1, beta_range=(0.1, 10.0), **changes)
