"""Distances between sets and mixtures agree with other formulas; a fitted prior is better."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import multivariate_normal

from vae.__main__ import main
from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.generation import (
    FITTED_CODES,
    RECONSTRUCTIONS,
    decode_codes,
    fit_prior,
    gather_inputs,
    measure_generation,
    read_real_images,
    sweep_temperature,
)
from vae.analysis.mixture import (
    Mixture,
    choose_components,
    fit_mixture,
    prior_log_density,
)
from vae.core.errors import ConfigError
from vae.explorer import Explorer
from vae.metrics.frechet import frechet_distance, precision_recall


def draws(count: int, features: int, seed: int, scale: float = 1.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    mixing = generator.standard_normal((features, features))
    return (scale * generator.standard_normal((count, features)) @ mixing).astype(np.float32)


def test_the_frechet_distance_equals_that_of_matrix_square_roots():
    first, second = draws(300, 6, 0), draws(200, 6, 1) + 1
    one, other = np.cov(first.T.astype(float)), np.cov(second.T.astype(float))
    shift = first.mean(0, dtype=float) - second.mean(0, dtype=float)
    wanted = shift @ shift + np.trace(one + other - 2 * sqrtm(one @ other).real)
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def test_the_frechet_distance_is_finite_for_constant_features():
    first = np.hstack([draws(100, 3, 0), np.zeros((100, 2), np.float32)])
    assert frechet_distance(first, first + np.float32(1)) == pytest.approx(5, rel=1e-4)


def test_precision_and_recall_are_as_counted_by_hand():
    real, generated = draws(60, 4, 2), draws(50, 4, 3, scale=0.7)

    def inside(points, by):
        count = 0
        for point in points:
            for place, centre in enumerate(by):
                others = [np.linalg.norm(centre - o) for i, o in enumerate(by) if i != place]
                if np.linalg.norm(point - centre) <= sorted(others)[2]:
                    count += 1
                    break
        return count / len(points)

    found = precision_recall(real, generated)
    assert found.precision == inside(generated, real)
    assert found.recall == inside(real, generated)
    assert 0 < found.recall < found.precision < 1


def test_too_few_images_are_refused():
    with pytest.raises(ConfigError, match="more than 3"):
        precision_recall(draws(60, 4, 2), draws(3, 4, 3))


def test_the_density_of_a_mixture_equals_scipys():
    codes = np.concatenate([draws(300, 3, 4), draws(200, 3, 5) + 4])
    mixture = fit_mixture(codes, 4)
    wanted = np.zeros(len(codes))
    for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances, strict=True):
        wanted += w * multivariate_normal(m, c).pdf(codes)
    assert mixture.log_density(codes) == pytest.approx(np.log(wanted), rel=1e-6)
    standard = multivariate_normal(np.zeros(3), np.eye(3)).logpdf(codes)
    assert prior_log_density(codes) == pytest.approx(standard, rel=1e-6)


def test_samples_from_a_mixture_have_its_moments_scaled_by_the_temperature():
    covariances = np.array([[[1.0, 0.6], [0.6, 2.0]], [[0.5, 0.0], [0.0, 0.1]]])
    mixture = Mixture(np.array([0.25, 0.75]), np.array([[-9.0, 0.0], [9.0, 0.0]]), covariances)
    for temperature in (1.0, 0.5):
        drawn = mixture.sample(40_000, 0, temperature)
        left, right = drawn[drawn[:, 0] < 0], drawn[drawn[:, 0] > 0]
        assert len(left) / len(drawn) == pytest.approx(0.25, abs=0.01)
        for part, covariance in ((left, covariances[0]), (right, covariances[1])):
            scaled = temperature**2 * covariance
            assert np.cov(part.T) == pytest.approx(scaled, abs=0.05)


def test_the_number_of_components_is_the_number_of_clusters():
    codes = np.concatenate([draws(200, 2, seed=i, scale=0.05) + 5 * i for i in range(4)])
    assert choose_components(codes, (1, 4)) == 4
    lone = np.random.default_rng(0).standard_normal((400, 2))
    assert choose_components(lone, (1, 40)) == 1


def test_a_mixture_of_too_few_codes_is_refused():
    with pytest.raises(ConfigError, match="fewer components"):
        fit_mixture(draws(3, 2, 0), 4)


@pytest.fixture(scope="module")
def root(tmp_path_factory, train_into):
    """A classifier, an autoencoder, a conditional model and a VAE of digits."""
    root = tmp_path_factory.mktemp("generation")
    common = {"epochs": 15, "batch_size": 32, "learning_rate": 5e-3}
    train_into(root / "classifier", 16, kind="classifier", classes=10, **common)
    train_into(root / "conditional", 4, kind="conditional", classes=10, **common)
    train_into(root / "autoencoder", 4, kind="autoencoder", **common)
    train_into(root / "plain", 4, beta=0.2, **common)
    return root


@pytest.fixture(scope="module")
def classifier(root) -> EvalClassifier:
    return EvalClassifier.open(root / "classifier")


def measured(explorer: Explorer, classifier: EvalClassifier, with_data: bool = True):
    real = read_real_images(explorer.run, 300) if with_data else None
    inputs = gather_inputs(explorer, real, 300)
    return measure_generation(explorer, classifier, inputs, fit_prior(inputs, 8))


def test_a_mixture_helps_an_autoencoder_more_than_a_vae(root, classifier):
    vae = measured(Explorer.open(root / "plain"), classifier)
    other = measured(Explorer.open(root / "autoencoder"), classifier)
    assert 0 < vae.gain < other.gain
    assert other.mixture.precision > other.prior.precision
    assert other.mixture.frechet < 0.5 * other.prior.frechet
    for found in (vae, other):
        assert found.real.frechet < found.prior.frechet
        assert found.real.recall > found.mixture.recall
        assert found.fitted_codes == 1437


def test_without_the_data_set_the_atlas_is_used(root, classifier):
    found = measured(Explorer.open(root / "plain"), classifier, with_data=False)
    assert found.real is None
    assert (found.reference, found.count, found.fitted_codes) == (RECONSTRUCTIONS, 180, 180)
    assert found.reconstructions.frechet < found.prior.frechet
    assert list(found.rows()) == ["prior", "mixture", "reconstructions"]


def test_real_images_are_none_without_the_data_set(root):
    run = Explorer.open(root / "plain").run
    real = read_real_images(run, 10)
    assert real is not None
    assert (len(real.train.pixels), len(real.test.pixels)) == (min(1437, FITTED_CODES), 10)
    import dataclasses

    gone = dataclasses.replace(run, train=dataclasses.replace(run.train, dataset="folder:gone"))
    assert read_real_images(gone, 10) is None


def test_a_conditional_model_decodes_with_the_labels_of_the_reference(root):
    explorer = Explorer.open(root / "conditional").at_label(3)
    inputs = gather_inputs(explorer, read_real_images(explorer.run, 20), 20)
    codes = np.random.default_rng(0).standard_normal((25, 4)).astype(np.float32)
    labels = np.concatenate([inputs.reference.labels, inputs.reference.labels])[:25]
    assert decode_codes(explorer, codes, inputs) == pytest.approx(explorer.decode(codes, labels))


def test_lower_temperatures_raise_precision_and_lower_recall(root, classifier):
    explorer = Explorer.open(root / "plain")
    inputs = gather_inputs(explorer, read_real_images(explorer.run, 300), 300)
    swept = sweep_temperature(explorer, classifier, inputs)
    assert swept[0.2].recall < swept[1.0].recall
    assert swept[0.6].precision > swept[1.4].precision
    mixed = sweep_temperature(explorer, classifier, inputs, fit_prior(inputs, 4))
    assert mixed[1.0] != swept[1.0]


def test_few_codes_get_few_components(root):
    inputs = gather_inputs(Explorer.open(root / "plain"), None, 10)
    assert len(fit_prior(inputs, 40).weights) == 180 // 20


def test_the_command_prints_every_set(root, capsys, monkeypatch):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(root))
    command = ["generation", str(root / "plain"), "--count", "100", "--components", "3"]
    assert main([*command, "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    for words in ("no FID", "mixture", "reconstructions", "real", "gain", "components"):
        assert words in printed
    assert main([*command, "--threads", "1", "--json"]) == 0
