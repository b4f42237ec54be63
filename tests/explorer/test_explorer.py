"""The explorer answers with the model's own values, as numpy arrays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.blobs import read_blob
from tests.support.hostile_checkpoints import ODD, write_odd
from vae.core.errors import ConfigError, TamperedCheckpoint
from vae.explorer import Explorer
from vae.explorer.latent.neighbours import Neighbours
from vae.explorer.latent.paths import follow, slerp
from vae.runs.checkpoint import load_atlas, load_model, load_run
from vae.viewer.pack import pack_codes


@pytest.fixture(scope="module")
def explorer(tiny_checkpoint) -> Explorer:
    return Explorer.open(tiny_checkpoint)


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_model(load_run(tiny_checkpoint))


@pytest.fixture(scope="module")
def images(digits) -> np.ndarray:
    return digits.test.images[:6].numpy().transpose(0, 2, 3, 1).astype(np.float32) / 255


CODES = np.array([[0.0, 1.0, -2.0], [3.0, -1.0, 0.5]])


def test_decode_agrees_with_the_model_and_takes_lists(explorer, model):
    expected = model.decode_mean(torch.tensor(CODES, dtype=torch.float32))
    found = explorer.decode(CODES.tolist())
    assert found.shape == (2, 8, 8, 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., 0], expected[:, 0], atol=1e-6)


def test_encode_agrees_with_the_model(explorer, model, images):
    mean, logvar = explorer.encode(images)
    posterior = model.encode(torch.from_numpy(images[:, None, :, :, 0]))
    np.testing.assert_allclose(mean, posterior.mean, atol=1e-6)
    np.testing.assert_allclose(logvar, posterior.logvar, atol=1e-6)


def test_colour_images_keep_their_axes(tmp_path):
    from vae.core.config import ModelConfig, TrainConfig
    from vae.data.splits import Split
    from vae.metrics.evaluation import encode_split, evaluate
    from vae.models.vae import VAE
    from vae.runs.checkpoint import save_checkpoint
    from vae.runs.run import Results

    model = VAE.seeded(ModelConfig((3, 8, 12), 2), seed=0)
    pixels = torch.randint(0, 256, (4, 3, 8, 12), generator=torch.Generator().manual_seed(0))
    split = Split(pixels.to(torch.uint8), torch.zeros(4, dtype=torch.int64))
    results = Results.of(evaluate(model, split), 1.0, 1.0, 1.0)
    train, atlas = TrainConfig("folder:x"), encode_split(model, split)
    save_checkpoint(tmp_path, model, train, ("a",), results, atlas, split.labels, [])

    explorer = Explorer.open(tmp_path)
    images = pixels.permute(0, 2, 3, 1).numpy() / 255
    np.testing.assert_allclose(explorer.encode(images)[0], atlas.mean, atol=1e-5)
    with torch.inference_mode():
        decoded = model.decode_mean(atlas.mean)[2, 1, 5, 7]
    assert explorer.reconstruct(images)[2, 5, 7, 1] == pytest.approx(float(decoded), abs=1e-5)


def test_a_reconstruction_is_the_decoded_mean(explorer, images):
    expected = explorer.decode(explorer.encode(images)[0])
    np.testing.assert_array_equal(explorer.reconstruct(images), expected)
    assert np.abs(expected - images).mean() < np.abs(images.mean(axis=0) - images).mean()


def test_atlas_images_stand_in_for_the_data_set(explorer, images):
    found = explorer.atlas_images([0, 1, 2, 3, 4, 5])
    np.testing.assert_allclose(found, explorer.reconstruct(images), atol=0.01)
    assert len(explorer.atlas.mean) == len(explorer.atlas.label) == 360


def test_terms_add_up(explorer, model, images):
    terms = explorer.elbo_terms(images, seed=3)
    posterior = model.encode(torch.from_numpy(images[:, None, :, :, 0]))
    np.testing.assert_allclose(terms.rate, posterior.kl().sum(dim=1), rtol=1e-5)
    np.testing.assert_allclose(terms.elbo, -(terms.distortion + terms.rate), rtol=1e-6)
    np.testing.assert_array_equal(terms.distortion, explorer.elbo_terms(images, seed=3).distortion)
    assert (terms.distortion != explorer.elbo_terms(images, seed=4).distortion).all()


def test_an_inspection_holds_what_encoding_decoding_and_scoring_give(explorer, images):
    found = explorer.inspect(images[2], seed=5)
    mean, logvar = explorer.encode(images[2:3])
    np.testing.assert_array_equal(found.image, images[2])
    np.testing.assert_allclose(found.mean, mean[0], rtol=1e-6)
    np.testing.assert_allclose(found.logvar, logvar[0], rtol=1e-6)
    np.testing.assert_allclose(found.reconstruction, explorer.decode(mean)[0], atol=1e-6)
    terms = explorer.elbo_terms(images[2:3], seed=5)
    np.testing.assert_allclose(found.terms.distortion, terms.distortion, rtol=1e-6)
    np.testing.assert_allclose(found.terms.rate_per_dimension, terms.rate_per_dimension)


def test_an_inspection_runs_the_encoder_once(tiny_checkpoint, images):
    explorer, runs = Explorer.open(tiny_checkpoint), []
    explorer.model.encoder.register_forward_hook(lambda *_: runs.append(1))
    explorer.inspect(images[0])
    assert len(runs) == 1


def test_the_log_likelihood_is_above_the_elbo_on_average(explorer, images):
    elbo = np.mean([explorer.elbo_terms(images, seed=s).elbo.mean() for s in range(20)])
    assert explorer.log_likelihood(images, samples=200).mean() > elbo


def test_samples_follow_from_their_seed_and_temperature(explorer):
    first = explorer.sample(4, seed=1)
    np.testing.assert_array_equal(first, explorer.sample(4, seed=1))
    assert (first != explorer.sample(4, seed=2)).any()
    cold = explorer.sample(3, seed=1, temperature=0.0)
    np.testing.assert_allclose(cold, np.repeat(explorer.decode([[0, 0, 0]]), 3, axis=0), atol=1e-6)


def test_traversals_and_paths_are_decoded(explorer):
    strip = explorer.traverse(CODES[0], 1, [-2.0, 2.0])
    np.testing.assert_allclose(strip, explorer.decode([[0, -2, -2], [0, 2, -2]]), atol=1e-6)
    film = explorer.interpolate(CODES[0], CODES[1], 5, "spherical")
    expected = explorer.decode(slerp(CODES[0], CODES[1], np.linspace(0, 1, 5)))
    np.testing.assert_allclose(film, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "spherical", "data"])
def test_paths_of_every_kind_have_their_ends_and_are_decoded(explorer, kind):
    start, end = explorer.atlas.mean[[0, 200]]
    codes = explorer.path(start, end, 9, kind)
    assert codes.shape == (9, 3)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes[[0, -1]], [start, end], atol=1e-6)
    film = explorer.interpolate(start.tolist(), end.tolist(), 9, kind)
    np.testing.assert_allclose(film, explorer.decode(codes), atol=1e-6)


@pytest.mark.parametrize("end", [0.0, [0.0, 0.0], [[0.0, 0.0, 0.0]], [0.0, 0.0, float("nan")]])
def test_ends_of_a_path_with_the_wrong_shape_are_refused(explorer, end):
    with pytest.raises(ConfigError, match=r"shape \(n, 3\)"):
        explorer.path([0.0, 0.0, 0.0], end, 5)


def test_a_path_along_the_data_keeps_closer_to_the_atlas(explorer):
    ends = explorer.atlas.mean[:40].astype(np.float64).reshape(20, 2, 3)
    neighbours = Neighbours(explorer.atlas.mean, [0, 1, 2])
    off = {"linear": [], "data": []}
    for start, end in ends:
        for kind, found in off.items():
            found.append(explorer.outlyingness(explorer.path(start, end, 21, kind)).mean())
        expected = follow(start, end, np.linspace(0, 1, 21), neighbours)
        np.testing.assert_allclose(explorer.path(start, end, 21, "data"), expected, atol=1e-6)
    assert np.mean(off["data"]) < 0.8 * np.mean(off["linear"])


def test_outlyingness_is_by_the_atlas(explorer):
    atlas = explorer.atlas.mean
    distances = np.linalg.norm(atlas[:, None] - atlas, axis=2)
    np.fill_diagonal(distances, np.inf)
    places = atlas[:50] + 0.1
    nearest = np.linalg.norm(places[:, None] - atlas, axis=2).min(axis=1)
    expected = (distances.min(axis=1) < nearest[:, None]).mean(axis=1)
    np.testing.assert_allclose(explorer.outlyingness(places), expected, atol=2 / 360)
    with pytest.raises(ConfigError, match=r"shape \(n, 3\)"):
        explorer.outlyingness([[0.0, 0.0]])


def test_pixel_changes_are_those_of_the_decoded_images(explorer):
    codes = explorer.path(CODES[0], CODES[1], 4)
    images = explorer.decode(codes)
    expected = [np.abs(images[i + 1] - images[i]).mean() for i in range(3)]
    np.testing.assert_allclose(explorer.pixel_changes(codes), expected, rtol=1e-5)
    assert min(expected) > 0


def test_the_packed_atlas_holds_the_data_for_distances_in_the_browser(explorer):
    header, arrays = read_blob(pack_codes(explorer, "who"))
    assert header["id"] == "who"
    assert header["class_names"] == list(explorer.run.class_names)
    np.testing.assert_array_equal(arrays["points"], explorer.atlas.mean)
    np.testing.assert_array_equal(arrays["logvars"], explorer.atlas.logvar)
    np.testing.assert_array_equal(arrays["labels"], explorer.atlas.label)
    assert arrays["active"].tolist() == [0, 1, 2]
    expected = Neighbours(explorer.atlas.mean, [0, 1, 2]).spacing_quantiles()
    np.testing.assert_allclose(arrays["spacings"], expected, rtol=1e-6)


def test_inactive_dimensions_count_for_no_distance(tiny_checkpoint, model):
    run = load_run(tiny_checkpoint)
    partly = replace(run, results=replace(run.results, inactive=(1,), active_units=2))
    explorer = Explorer(partly, model, load_atlas(run))
    assert read_blob(pack_codes(explorer, "who"))[1]["active"].tolist() == [0, 2]
    off = explorer.atlas.mean[:5] + np.float32([0, 9, 0])
    assert explorer.outlyingness(off).tolist() == [0] * 5
    start, end = explorer.atlas.mean[[0, 200]] + np.float32([[0, -9, 0], [0, 9, 0]])
    path = explorer.path(start, end, 9, "data")
    np.testing.assert_allclose(path[:, 1], np.linspace(start[1], end[1], 9), atol=1e-5)
    assert len(np.unique(path[:, 0])) == 9


def test_dimensions_are_sorted_by_their_rate(explorer):
    rates = explorer.run.results.test_rate_per_dimension
    order = explorer.dimensions_by_rate()
    assert sorted(order) == [0, 1, 2]
    assert rates[order[0]] >= rates[order[1]] >= rates[order[2]]


@pytest.mark.parametrize(
    "codes", [[0.0, 0.0, 0.0], [[0.0, 0.0]], [[0.0, 0.0, float("nan")]], [[0, 0, float("inf")]]]
)
def test_codes_of_the_wrong_shape_are_refused(explorer, codes):
    with pytest.raises(ConfigError, match=r"shape \(n, 3\)"):
        explorer.decode(codes)


@pytest.mark.parametrize("shape", [(8, 8, 1), (2, 8, 8), (2, 1, 8, 8), (2, 28, 28, 1)])
def test_images_of_the_wrong_shape_are_refused(explorer, shape):
    with pytest.raises(ConfigError, match=r"shape \(n, 8, 8, 1\)"):
        explorer.encode(np.zeros(shape))


def test_an_explorer_never_changes(explorer, images, model):
    codes, before = CODES.copy(), torch.get_rng_state()
    pixels = images.copy()
    explorer.decode(codes)
    explorer.elbo_terms(images)
    explorer.sample(2, seed=0)
    explorer.log_likelihood(images, samples=2)
    np.testing.assert_array_equal(codes, CODES)
    np.testing.assert_array_equal(images, pixels)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_allclose(
        explorer.decode(CODES)[..., 0],
        model.decode_mean(torch.tensor(CODES, dtype=torch.float32))[:, 0],
        atol=1e-6,
    )


def test_a_caller_may_change_decoded_images(explorer):
    first = explorer.decode(CODES)
    first[:] = 0
    assert explorer.decode(CODES).max() > 0.1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exploding", "so large that its images are not finite"),
        ("conditional-unlabelled", "tensor label holds -1 to 1"),
    ],
)
def test_a_model_that_decodes_to_no_finite_images_is_refused(tmp_path, name, reason):
    with pytest.raises(TamperedCheckpoint, match=reason):
        Explorer.open(write_odd(tmp_path / name, ODD[name]))
