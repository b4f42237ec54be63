"""Label scores agree with hand calculation and with direct calls of scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.support.known_codes import noise
from vae.core.errors import DataError
from vae.metrics.classification import (
    knn_accuracy,
    label_information,
    label_scores,
    probe_accuracy,
    split_halves,
)


def clouds(rows=601, classes=3, spread=0.8, seed=0):
    """Returns overlapping Gaussian clouds in the plane, and the cloud of each row."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    centres = np.array([[0, 0], [3, 0], [0, 40], [3, 40]])[:classes] / [1, 20]
    return centres[labels] + spread * generator.normal(size=(rows, 2)), labels


def halves(rows, seed):
    order = np.random.default_rng(seed).permutation(rows)
    return order[: math.ceil(rows / 2)], order[math.ceil(rows / 2) :]


@pytest.mark.parametrize("rows", [10, 601])
def test_halves_are_disjoint_and_complete(rows):
    fitted, tested = split_halves(rows, seed=4)
    assert sorted([*fitted, *tested]) == list(range(rows))
    assert 0 <= len(fitted) - len(tested) <= 1
    np.testing.assert_array_equal(fitted, halves(rows, 4)[0])


@pytest.mark.parametrize("seed", [0, 7])
def test_neighbour_accuracy_agrees_with_values_by_hand(seed):
    codes, labels = clouds()
    fitted, tested = halves(len(codes), seed)
    distances = np.linalg.norm(codes[tested][:, None] - codes[fitted], axis=2)
    nearest = labels[fitted][np.argsort(distances, axis=1)[:, :5]]
    votes = np.array([np.bincount(row, minlength=3) for row in nearest])
    expected = np.mean(votes.argmax(axis=1) == labels[tested])
    assert 0.5 < expected < 0.95
    assert knn_accuracy(codes, labels, seed) == expected


@pytest.mark.parametrize("seed", [0, 7])
def test_probe_accuracy_agrees_with_scikit_learn(seed):
    codes, labels = clouds()
    fitted, tested = halves(len(codes), seed)
    mean, deviation = codes[fitted].mean(axis=0), codes[fitted].std(axis=0)
    standard = (codes - mean) / deviation
    probe = LogisticRegression().fit(standard[fitted], labels[fitted])
    expected = probe.score(standard[tested], labels[tested])
    assert 0.5 < expected < 0.95
    assert probe_accuracy(codes, labels, seed) == expected


def test_label_information_agrees_with_values_by_hand():
    labels = np.repeat([0, 1, 2, 3], 25)
    codes = np.stack([labels, labels // 2, np.zeros(100)], axis=1).astype(float)
    expected = [math.log(4), math.log(2), 0]
    assert label_information(codes, labels) == pytest.approx(expected)


def test_neighbours_separate_rings_and_a_linear_probe_does_not():
    generator = np.random.default_rng(0)
    labels, angle = generator.integers(0, 2, 1000), generator.uniform(0, 2 * np.pi, 1000)
    codes = (1 + 2 * labels)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert knn_accuracy(codes, labels) == 1
    assert probe_accuracy(codes, labels) < 0.65


def test_all_label_scores_are_collected():
    codes, labels = clouds()
    scores = label_scores(codes, labels, seed=2)
    assert scores == label_scores(codes, labels, seed=2)
    assert scores.label_information == tuple(label_information(codes, labels))
    assert scores.knn_accuracy == knn_accuracy(codes, labels, seed=2)
    assert scores.probe_accuracy == probe_accuracy(codes, labels, seed=2)
    assert scores.label_entropy == pytest.approx(math.log(3), abs=0.01)
    assert scores.commonest_label == pytest.approx(1 / 3, abs=0.05)
    assert scores.labelled_rows == 601


def test_noise_scores_chance():
    labels = np.random.default_rng(0).integers(0, 10, 4000)
    scores = label_scores(noise(4000), labels)
    assert scores.knn_accuracy == pytest.approx(0.1, abs=0.03)
    assert scores.probe_accuracy == pytest.approx(0.1, abs=0.03)
    assert max(scores.label_information) < 0.05


def test_rows_without_a_label_are_left_out():
    codes, labels = clouds()
    more = np.concatenate([codes, np.full((50, 2), 1e6)])
    scores = label_scores(more, np.concatenate([labels, np.full(50, -1)]))
    assert scores == label_scores(codes, labels)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full(100, -1), "0 rows have a label, expected at least 50"),
        (np.full(100, 3), "all rows have the label 3"),
    ],
)
def test_too_few_or_equal_labels_are_refused(labels, words):
    for score in (label_scores, label_information, knn_accuracy, probe_accuracy):
        with pytest.raises(DataError, match=words):
            score(noise(100), labels)


def test_a_single_label_in_the_fitted_half_is_refused():
    labels = np.zeros(100, dtype=np.int64)
    labels[split_halves(100, 0)[1][0]] = 1
    with pytest.raises(DataError, match="single label"):
        probe_accuracy(noise(100), labels)
