"""Models with different likelihoods are measured on the same images."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from vae.__main__ import main
from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.likelihoods import bits_per_dimension, comparable, measure_likelihood
from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import pick_device
from vae.core.errors import ConfigError
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import image_quality
from vae.models.likelihood import DiscretisedGaussian
from vae.runs.catalogue import read_catalogue
from vae.runs.recorder import RecordedTraining

LIKELIHOODS = ("bernoulli", "gaussian", "gaussian-learned", "logistic")


@pytest.fixture(scope="module")
def root(tmp_path_factory, digits, train_into):
    """A model for each likelihood, and a classifier."""
    root = tmp_path_factory.mktemp("likelihoods")
    for likelihood in LIKELIHOODS:
        model = ModelConfig(digits.image_shape, 4, likelihood=likelihood)
        train = TrainConfig("digits", epochs=4, batch_size=32, learning_rate=5e-3)
        run = RecordedTraining.start(root / likelihood, model, train, digits, pick_device("cpu"))
        for _ in run.run():
            pass
        run.finish()
    train_into(root / "classifier", 8, kind="classifier", classes=10, epochs=3)
    return root


@pytest.mark.parametrize("scale", [0.004, 0.1, 1.0])
def test_the_discretised_gaussian_equals_scipys_in_double_precision(scale):
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (3, 1, 5, 5), generator=generator)
    levels[0, 0, 0, :2] = torch.tensor([0, 255])
    output = torch.randn((3, 1, 5, 5), generator=generator).double()
    found = DiscretisedGaussian(scale).distortion(output, levels.double() / 255)
    mean, x = torch.sigmoid(output).numpy(), levels.numpy()
    low = np.where(x == 0, -np.inf, ((x - 0.5) / 255 - mean) / scale)
    high = np.where(x == 255, np.inf, ((x + 0.5) / 255 - mean) / scale)
    near = np.where(low + high > 0, norm.logsf(low), norm.logcdf(high))
    far = np.where(low + high > 0, norm.logsf(high), norm.logcdf(low))
    expected = -(near + np.log1p(-np.exp(far - near))).reshape(3, -1).sum(axis=1)
    assert found.numpy() == pytest.approx(expected, rel=1e-6)


def test_the_256_levels_sum_to_one():
    pixels = torch.arange(256).reshape(256, 1, 1, 1) / 255
    costs = DiscretisedGaussian(0.2).distortion(torch.full((256, 1, 1, 1), 0.4), pixels)
    assert torch.exp(-costs).sum().item() == pytest.approx(1, abs=1e-5)


def test_bits_per_dimension_of_the_logistic_follow_from_its_elbo(root, images):
    explorer = Explorer.open(root / "logistic")
    terms = explorer.elbo_terms(images)
    found = bits_per_dimension(explorer, images)
    assert found == pytest.approx(-terms.elbo.mean() / 64 / math.log(2), rel=0.01)
    assert 0 < found < 8


def test_bits_per_dimension_of_a_gaussian_use_levels_instead_of_the_density(root, images):
    explorer = Explorer.open(root / "gaussian-learned")
    (scale,) = explorer.likelihood_scales
    model, pixels = explorer.model, torch.from_numpy(images.transpose(0, 3, 1, 2).copy())[:250]
    terms = model.elbo_terms(pixels, torch.Generator().manual_seed(0))
    mean = torch.sigmoid(terms.decoded).double().numpy()
    x = np.rint(pixels.numpy() * 255)
    low = np.where(x == 0, -np.inf, ((x - 0.5) / 255 - mean) / scale)
    high = np.where(x == 255, np.inf, ((x + 0.5) / 255 - mean) / scale)
    nats = -np.log(norm.cdf(high) - norm.cdf(low)).sum() / 250 + terms.rate.mean().item()
    found = bits_per_dimension(explorer, images[:250])
    assert found == pytest.approx(nats / 64 / math.log(2), rel=1e-3)


def test_a_bernoulli_has_no_bits_per_dimension(root, images):
    explorer = Explorer.open(root / "bernoulli")
    assert bits_per_dimension(explorer, images) is None
    with pytest.raises(ConfigError, match="no bits per dimension"):
        explorer.elbo_terms_in_levels(images)


def test_each_measure_is_as_computed_by_hand(root, images):
    classifier, units = EvalClassifier.open(root / "classifier"), set()
    for likelihood in LIKELIHOODS:
        explorer = Explorer.open(root / likelihood)
        found = measure_likelihood(explorer, images, classifier=classifier)
        assert found.likelihood == likelihood
        assert found.distortion == pytest.approx(explorer.run.results.test_distortion, rel=0.05)
        assert found.rate == pytest.approx(explorer.run.results.test_rate, rel=0.01)
        assert found.psnr == pytest.approx(image_quality(images, explorer.reconstruct(images)).psnr)
        assert 0 < found.feature_distance < 2
        assert 0 <= found.recognised <= 1
        assert len(found.scales) == (likelihood != "bernoulli")
        units.add(found.unit)
    assert units == {"nats", "nats of a density", "nats of cross-entropy"}
    assert measure_likelihood(explorer, images).feature_distance is None


def test_models_that_differ_only_in_likelihood_are_found(root):
    runs = read_catalogue(root).runs
    by_name = {run.name: run for run in runs}
    found = comparable(runs, by_name["logistic"])
    assert {run.name for run in found} == set(LIKELIHOODS)
    assert comparable([by_name["logistic"], by_name["classifier"]], by_name["logistic"]) == []
    other = dataclasses.replace(
        by_name["bernoulli"], model=dataclasses.replace(by_name["bernoulli"].model, latent_dim=9)
    )
    assert comparable([by_name["logistic"], other], other) == []


def test_the_command_lists_the_models(root, capsys, monkeypatch):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(root))
    paths = [str(root / likelihood) for likelihood in LIKELIHOODS]
    assert main(["likelihoods", *paths, "--count", "50", "--threads", "1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["likelihood"] for row in rows] == list(LIKELIHOODS)
    assert {row["judge"] for row in rows} == {"classifier"}
    assert rows[0]["bits_per_dimension"] is None
    assert main(["likelihoods", paths[3], "--count", "9", "--threads", "1"]) == 0
    assert "bits_per_dimension" in capsys.readouterr().out


def test_the_compression_command(root, capsys):
    path = str(root / "logistic")
    assert main(["compression", path, "--count", "40", "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ratio"] == 16
    assert found["count"] == 40
    assert main(["compression", path, "--count", "40", "--threads", "1"]) == 0
    assert "JPEG" in capsys.readouterr().out
