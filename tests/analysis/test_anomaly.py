"""Anomaly scores, their rates and AUROC agree with counting by hand; the command prints them."""

import json

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.anomaly import (
    atlas_rates,
    auroc,
    default_threshold,
    detect,
    error_map,
    find_abnormal,
    operating_point,
    roc,
    score_images,
)
from vae.charts.anomaly import error_figure, roc_figure, score_histogram
from vae.core.errors import ConfigError
from vae.explorer import Explorer


@pytest.fixture(scope="module")
def only_zero(tmp_path_factory):
    """A model that was trained on noughts alone."""
    import torch

    from vae.core.config import ModelConfig, TrainConfig
    from vae.data.registry import load_dataset
    from vae.runs.recorder import RecordedTraining

    dataset = load_dataset("digits:only=0")
    path = tmp_path_factory.mktemp("anomaly") / "only"
    config = TrainConfig(dataset.name, epochs=80, batch_size=16, learning_rate=3e-3)
    training = RecordedTraining.start(
        path, ModelConfig(dataset.image_shape, 3), config, dataset, torch.device("cpu")
    )
    for _ in training.run():
        pass
    training.finish()
    return path


@pytest.fixture(scope="module")
def explorer(only_zero) -> Explorer:
    return Explorer.open(only_zero)


def some_scores() -> tuple[np.ndarray, np.ndarray]:
    """Random scores with ties, of normal and abnormal images."""
    generator = np.random.default_rng(0)
    abnormal = generator.random(60) < 0.4
    return np.round(generator.standard_normal(60) + abnormal, 1), abnormal


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    scores, abnormal = some_scores()
    pairs = scores[abnormal][:, None] - scores[~abnormal][None, :]
    assert auroc(scores, abnormal) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    assert auroc(-scores, abnormal) == pytest.approx(1 - auroc(scores, abnormal))
    false_alarms, recall = roc(scores, abnormal)
    heights = (recall[1:] + recall[:-1]) / 2
    assert (np.diff(false_alarms) * heights).sum() == pytest.approx(auroc(scores, abnormal))


def test_an_operating_point_has_the_rates_that_counting_gives():
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    abnormal = np.array([True, False, True, False, False])
    found = operating_point(scores, abnormal, 2.5)
    assert (found.precision, found.recall, found.false_alarms) == (2 / 3, 1.0, 1 / 3)
    nothing = operating_point(scores, abnormal, 9.0)
    assert (nothing.precision, nothing.recall, nothing.false_alarms) == (1.0, 0.0, 0.0)


def test_the_default_threshold_flags_five_percent_of_the_normal_images():
    scores = np.arange(1000.0)
    abnormal = np.arange(1000) >= 900
    threshold = default_threshold(scores, abnormal)
    assert operating_point(scores, abnormal, threshold).false_alarms == pytest.approx(
        0.05, abs=2e-3
    )


def test_scores_are_computed_from_the_elbo_terms(explorer, images):
    found, terms = score_images(explorer, images, samples=20), explorer.elbo_terms(images)
    assert found.of("elbo") == pytest.approx(-terms.elbo, rel=1e-5)
    assert found.of("distortion") == pytest.approx(terms.distortion, rel=1e-5)
    assert found.of("rate") == pytest.approx(terms.rate, rel=1e-5)
    assert found.of("likelihood") == pytest.approx(-explorer.log_likelihood(images, 20), rel=1e-5)
    assert found.of("unexplained")[:3] == pytest.approx(
        [
            ((image - decoded) ** 2).sum() / (image**2).sum()
            for image, decoded in zip(images[:3], explorer.reconstruct(images[:3]), strict=True)
        ],
        rel=1e-4,
    )
    assert found.of("likelihood").mean() < found.of("elbo").mean()


def test_the_atlas_gives_the_rates_of_the_test_images(explorer, images):
    rates = score_images(explorer, images).rate
    assert atlas_rates(explorer) == pytest.approx(rates, rel=0.02, abs=0.02)


def test_a_model_of_noughts_detects_other_digits(explorer, images, labels):
    found = detect(explorer, images, labels, samples=10)
    assert found.normal == (0,)
    assert found.normal_images == int((labels == 0).sum())
    assert found.abnormal_images + found.normal_images == 360
    assert min(found.auroc[score] for score in ("elbo", "distortion", "likelihood")) > 0.9
    assert found.recall["elbo"] > 0.5


def test_a_model_of_all_classes_needs_the_normal_labels(tiny_checkpoint, images, labels):
    explorer = Explorer.open(tiny_checkpoint)
    with pytest.raises(ConfigError, match="--normal"):
        detect(explorer, images, labels)
    assert detect(explorer, images, labels, normal=[3, 1]).normal == (1, 3)
    for normal in ([], [11], range(10)):
        with pytest.raises(ConfigError, match="leave no images"):
            detect(explorer, images, labels, normal=normal)


def test_an_autoencoder_is_scored_by_reconstructions_alone(tmp_path, train_into, images, labels):
    path = train_into(tmp_path / "autoencoder", 3, kind="autoencoder", epochs=1)
    found = detect(Explorer.open(path), images, labels, normal=[0], samples=5)
    assert list(found.auroc) == ["distortion", "unexplained"]
    assert found.samples is None


def test_the_error_map_is_the_mean_difference_over_the_channels():
    image, decoded = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    decoded[0, 1] = (0.3, 0.0, 0.9)
    assert error_map(image, decoded) == pytest.approx(np.array([[0, 0.4], [0, 0]]))


def test_the_command_prints_the_record(only_zero, images, labels, capsys):
    assert main(["anomaly", str(only_zero), "--samples", "5", "--threads", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    expected = detect(Explorer.open(only_zero), images, labels, samples=5)
    assert record["auroc"] == pytest.approx(expected.auroc)
    assert record["normal"] == [0]
    assert main(["anomaly", str(only_zero), "--normal", "1+2", "--threads", "1"]) == 0
    assert "auroc_elbo" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["x", "3+3", "3,4", ""])
def test_labels_that_leave_no_normal_or_abnormal_images_are_refused(only_zero, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["anomaly", str(only_zero), "--normal", text])
    assert "labels" in capsys.readouterr().err


def test_histograms_show_shares_of_normal_and_of_abnormal_images():
    scores, abnormal = some_scores()
    figure = score_histogram(scores, abnormal, 0.5, "−ELBO")
    assert [sum(trace.y) for trace in figure.data] == pytest.approx([100, 100])
    assert find_abnormal(np.array([0, 1]), [0]).tolist() == [False, True]
    curve = roc_figure(*roc(scores, abnormal), (0.1, 0.6))
    assert (curve.data[2].x, curve.data[2].y) == ((0.1,), (0.6,))
    picture = np.zeros((4, 4, 3), np.uint8)
    heat = error_figure(picture, picture, np.full((4, 4), 0.25)).data[2]
    assert (heat.zmin, heat.zmax) == (0, 1)
