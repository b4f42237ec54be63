"""The scores of codes agree with scikit-learn; a family of latent sizes is measured and stored."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from vae.__main__ import main
from vae.analysis import representation
from vae.analysis.findings import read_finding
from vae.analysis.latent_sizes import FILE, LatentSizes, measures
from vae.analysis.representation import (
    PENALTIES,
    STARTS,
    FittedSplit,
    check_classes,
    interval,
    measure_codes_alone,
    measure_representation,
    score_features,
)
from vae.charts.representation import MeasurePanel, latent_size_panels
from vae.core.config import TrainConfig
from vae.core.errors import CheckpointError, DataError
from vae.explorer import Explorer

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


@pytest.fixture(scope="module")
def known():
    """Digits in two halves: 900 images to fit on and 897 to test on."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    return pixels[:900], pixels[900:], labels[:900], labels[900:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train_into) -> Explorer:
    path = tmp_path_factory.mktemp("representation") / "eight"
    return Explorer.open(train_into(path, 8, epochs=30, batch_size=32, learning_rate=3e-3))


@pytest.fixture(scope="module")
def family(tmp_path_factory) -> LatentSizes:
    root = tmp_path_factory.mktemp("family")
    options = "--dataset digits --latent-dims 2,8 --seeds 3,4 --epochs 8 --threads 1 --json"
    assert main(["latent-sizes", *options.split(), "--out", str(root / FILE)]) == 0
    found = read_finding(root / FILE, LatentSizes)
    assert found is not None
    return found


def test_scores_are_those_of_scikit_learn(known):
    fitted, tested, fitted_labels, tested_labels = known
    found = score_features(*known)
    nearest = KNeighborsClassifier(5).fit(fitted, fitted_labels)
    assert found.knn_accuracy == pytest.approx(nearest.score(tested, tested_labels))
    scaler = StandardScaler().fit(fitted)
    by_penalty = [
        LogisticRegression(C=penalty, max_iter=200)
        .fit(scaler.transform(fitted), fitted_labels)
        .score(scaler.transform(tested), tested_labels)
        for penalty in PENALTIES
    ]
    assert any(found.probe_accuracy == pytest.approx(each, abs=2e-3) for each in by_penalty)
    assert found.probe_accuracy > 0.99 * max(by_penalty)
    clusters = KMeans(10, n_init=STARTS, random_state=0).fit(fitted).predict(tested)
    assert found.ari[0] == pytest.approx(adjusted_rand_score(tested_labels, clusters))
    assert found.nmi[0] == pytest.approx(normalized_mutual_info_score(tested_labels, clusters))


def test_random_features_score_chance(known):
    *_, fitted_labels, tested_labels = known
    generator = np.random.default_rng(0)
    fitted, tested = generator.standard_normal((900, 5)), generator.standard_normal((897, 5))
    found = score_features(fitted, tested, fitted_labels, tested_labels)
    assert found.knn_accuracy < 0.15
    assert found.probe_accuracy < 0.15
    assert np.abs(found.ari).max() < 0.02
    perfect = score_features(fitted_labels[:, None] * 1.0, tested_labels[:, None] * 1.0, *known[2:])
    assert perfect.knn_accuracy == 1
    assert max(perfect.ari) > 0.9


def test_the_interval_is_that_of_resampled_hits():
    hits = np.arange(400) % 5 > 0
    generator = np.random.default_rng(1)
    resampled = [generator.choice(hits, len(hits)).mean() for _ in range(4000)]
    assert interval(hits) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=0.006)


def test_codes_pca_and_pixels_of_a_model_on_the_same_images(trained, digits):
    drawn = FittedSplit.from_run(trained.run)
    assert len(drawn.fitted.labels) == len(digits.train.labels) + len(digits.validation.labels)
    pixels = drawn.pixel_scores()
    found = measure_representation(trained, drawn, pixels)
    assert (found.latent_dim, found.tested, found.pixels) == (8, 360, pixels)
    first, last = drawn.fitted, drawn.tested
    images = [rows.pixels.reshape(-1, 8, 8, 1) for rows in (first, last)]
    fitted_codes, test_codes = (trained.encode(each)[0] for each in images)
    nearest = KNeighborsClassifier(5).fit(fitted_codes, first.labels)
    assert found.codes.knn_accuracy == pytest.approx(nearest.score(test_codes, last.labels))
    pca = PCA(8).fit(first.pixels)
    nearest = KNeighborsClassifier(5).fit(pca.transform(first.pixels), first.labels)
    wanted = nearest.score(pca.transform(last.pixels), last.labels)
    assert found.pca.knn_accuracy == pytest.approx(wanted, abs=0.006)
    assert found.codes.knn_accuracy > 0.6 > 3 * found.commonest_label


def test_without_the_data_halves_of_the_test_codes_are_used(trained):
    found = measure_codes_alone(trained, "it is not here")
    assert (found.fitted, found.tested, found.note) == (180, 180, "it is not here")
    assert found.pca is None
    assert found.pixels is None
    assert found.codes.knn_accuracy > 0.5
    assert found == measure_codes_alone(trained, "it is not here")


@pytest.mark.parametrize("labels", [np.full(100, -1), np.zeros(100, int), np.arange(9)])
def test_images_without_classes_are_refused(labels):
    with pytest.raises(DataError, match="two classes"):
        check_classes(labels)


def test_the_command_prints_what_the_study_finds(trained, capsys, monkeypatch):
    assert main(["representation", str(trained.run.path), "--threads", "1", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out.splitlines()[-1])["checkpoints"]
    drawn = FittedSplit.from_run(trained.run)
    found = measure_representation(trained, drawn, drawn.pixel_scores())
    assert record["codes"]["knn_accuracy"] == found.codes.knn_accuracy
    assert record["pixels"]["ari"] == list(found.pixels.ari)

    def absent(*_, **__):
        raise DataError("it is not here")

    monkeypatch.setattr(representation, "load_dataset", absent)
    assert main(["representation", str(trained.run.path), "--threads", "1"]) == 0
    assert "halves of the test codes" in capsys.readouterr().out


def test_a_family_has_the_measurements_of_each_model(family, digits):
    assert [(m.latent_dim, m.seed) for m in family.models] == [(2, 3), (2, 4), (8, 3), (8, 4)]
    assert family.sizes == (2, 8)
    assert "--latent-dims 2,8 --seeds 3,4 --epochs 8" in family.command
    small, large = (np.mean([m.rate for m in family.models if m.latent_dim == d]) for d in (2, 8))
    assert large > small > 0
    assert all(m.active_units <= m.latent_dim for m in family.models)
    drawn = FittedSplit.from_dataset(digits)
    assert family.pixels.dimensions == drawn.fitted.pixels.shape[1] == 64
    assert [quality.dimensions for quality in family.pca] == [2, 8]


def test_the_training_loop_alone_reproduces_a_family(family):
    from vae.core.config import ModelConfig, default_warmup
    from vae.data.registry import load_dataset
    from vae.metrics.evaluation import evaluate
    from vae.training import TrainingRun, run_training

    dataset = load_dataset("digits", validation_fraction=0.0)
    train = TrainConfig(
        "digits", seed=4, epochs=8, warmup_epochs=default_warmup(8), validation_fraction=0.0
    )
    training = TrainingRun(ModelConfig((1, 8, 8), 2), train, dataset)
    for _ in run_training(training):
        pass
    found, stored = evaluate(training.model, dataset.test), family.models[1]
    assert stored.rate == pytest.approx(found.rate, abs=1e-4)
    assert stored.distortion == pytest.approx(found.distortion, abs=1e-4)


def test_measures_are_grouped_by_size_and_seed(family):
    panels = {title: values for title, _, _, values in measures(family)}
    accuracies = panels["5 nearest neighbours"]
    assert [len(each) for each in accuracies["codes"]] == [2, 2]
    assert accuracies["codes"][1][0] == 100 * family.models[2].codes.knn_accuracy
    assert accuracies["pixels"] == [[100 * family.pixels.knn_accuracy]] * 2
    assert panels["Active units"]["all units"] == [[2.0], [8.0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models": []}, "expected models"),
        ({"pixels": {"knn_accuracy": 3}}, "missing"),
        ({"models": [1]}, "expected an object"),
    ],
)
def test_a_damaged_family_is_refused_by_name(family, tmp_path, change, words):
    record = {"format": "latent-explorer-latent-sizes", "format_version": 1, **family.to_dict()}
    (tmp_path / FILE).write_text(json.dumps(record | change))
    with pytest.raises(CheckpointError, match=words) as caught:
        read_finding(tmp_path / FILE, LatentSizes)
    assert FILE in str(caught.value)


def test_the_family_that_ships_states_its_command():
    found = read_finding(CHECKPOINTS / FILE, LatentSizes)
    assert found is not None
    assert found.sizes == (2, 4, 8, 16, 32, 64)
    assert found.command.startswith("vae latent-sizes --dataset mnist")
    # Dimensions beyond those that the images need stay unused.
    most = max(model.active_units for model in found.models)
    assert 20 < most < 50


@pytest.mark.parametrize(("chosen", "lines"), [(4, 6), (None, 0), (99, 0)])
def test_the_chart_shows_medians_seeds_and_the_selected_size(family, chosen, lines):
    panels = [MeasurePanel(*measure) for measure in measures(family)]
    figure = latent_size_panels(family.sizes, panels, chosen)
    line, points = (trace for trace in figure.data if trace.name == "−ELBO")
    values = [[m.negative_elbo for m in family.models if m.latent_dim == d] for d in (2, 8)]
    assert line.y == pytest.approx(np.median(values, axis=1))
    assert sorted(points.y) == pytest.approx(sorted(np.ravel(values)))
    assert len(figure.layout.shapes) == lines
    assert len({trace.name for trace in figure.data if trace.showlegend}) == 8
