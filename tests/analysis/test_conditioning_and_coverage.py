"""The classifier evaluates autoencoders and conditional models."""

import dataclasses

import numpy as np
import pytest

from vae.analysis.conditioning import generate, measure_conditioning
from vae.analysis.eval_classifier import EvalClassifier, find_eval_classifier
from vae.analysis.prior_coverage import fitted_samples, measure_prior_coverage, middles
from vae.core.errors import CheckpointError, ConfigError
from vae.explorer import Explorer
from vae.runs.catalogue import read_catalogue

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory, train_into):
    """A classifier, a conditional model, an autoencoder and a VAE of digits."""
    root = tmp_path_factory.mktemp("kinds")
    common = {"epochs": 40, "batch_size": 32, "learning_rate": 3e-3}
    train_into(root / "classifier", 16, kind="classifier", classes=10, **common)
    train_into(root / "poor-classifier", 16, kind="classifier", classes=10, epochs=1)
    train_into(root / "conditional", 4, kind="conditional", classes=10, **common)
    train_into(root / "autoencoder", 8, kind="autoencoder", **common)
    train_into(root / "plain", 2, **common)
    return root


@pytest.fixture(scope="module")
def classifier(root) -> EvalClassifier:
    return EvalClassifier.open(root / "classifier")


def test_the_classifier_recognises_real_images(classifier, images, labels):
    right = classifier.labels(images) == labels
    assert right.mean() > 0.9
    assert classifier.probabilities(images).sum(axis=1) == pytest.approx(1, abs=1e-5)
    features = classifier.features(images)
    assert features.shape == (360, 16)
    assert features.min() >= 0


def test_the_best_classifier_of_the_data_set_is_found(root):
    catalogue = read_catalogue(root)
    assert not catalogue.errors
    of = next(run for run in catalogue.runs if run.name == "plain")
    assert find_eval_classifier(catalogue.runs, of).name == "classifier"
    other = dataclasses.replace(of, train=dataclasses.replace(of.train, dataset="mnist"))
    with pytest.raises(CheckpointError, match="--model classifier"):
        find_eval_classifier(catalogue.runs, other)


def test_only_a_classifier_is_accepted(root):
    with pytest.raises(ConfigError, match="not a classifier"):
        EvalClassifier.open(root / "plain")


def test_images_of_another_shape_are_refused(classifier):
    with pytest.raises(ConfigError, match="shape"):
        classifier.labels(np.zeros((2, 28, 28, 1), np.float32))


def test_a_conditional_model_decodes_the_given_class_and_a_plain_one_refuses(root, classifier):
    found = measure_conditioning(Explorer.open(root / "conditional"), classifier, count=50)
    assert found.accuracy > 0.7
    assert found.accuracy == pytest.approx(np.mean(found.accuracy_by_class))
    with pytest.raises(ConfigError, match="--model"):
        generate(Explorer.open(root / "plain"), [0, 1], np.zeros((3, 2), np.float32))


def test_one_code_is_decoded_with_each_label(root):
    explorer = Explorer.open(root / "conditional")
    codes = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    images = generate(explorer, [2, 5], codes)
    assert images[1] == pytest.approx(explorer.at_label(5).decode(codes), abs=1e-6)


def test_fitted_samples_have_the_moments_of_the_codes(root):
    explorer = Explorer.open(root / "autoencoder")
    codes, drawn = explorer.atlas.mean, fitted_samples(explorer, 20_000, seed=0)
    assert drawn.mean(axis=0) == pytest.approx(codes.mean(axis=0), abs=float(0.05 * codes.std()))
    assert np.cov(drawn.T) == pytest.approx(
        np.cov(codes.T), rel=0.05, abs=float(0.05 * codes.var())
    )


def test_middles_are_midpoints_of_two_codes(root):
    explorer = Explorer.open(root / "autoencoder")
    low, high = explorer.atlas.mean.min(axis=0), explorer.atlas.mean.max(axis=0)
    found = middles(explorer, 5000, seed=0)
    assert np.all((low <= found) & (found <= high))
    half = explorer.atlas.mean.var(axis=0).mean() / 2
    assert found.var(axis=0).mean() == pytest.approx(float(half), rel=0.1)


def test_reconstructions_are_recognised_more_often_than_midpoints(root, classifier):
    found = measure_prior_coverage(Explorer.open(root / "autoencoder"), classifier, count=500)
    assert 0 <= found.samples <= 1
    assert found.prior < 0.5 * found.reconstructions
    assert found.reconstructions > found.middles
    assert (
        measure_prior_coverage(Explorer.open(root / "autoencoder"), classifier, count=500) == found
    )
