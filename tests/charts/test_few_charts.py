"""The page Few labels shows the right figures and sentences."""

import numpy as np
import pytest

from vae.analysis.few_data import (
    IMAGES,
    LOGISTIC,
    PERCEPTRON,
    SAMPLES,
    SHIFTS,
    AccuracyCell,
    FewData,
)
from vae.analysis.few_data import verdict as data_verdict
from vae.analysis.few_labels import M1_M2, M2, FewLabels
from vae.analysis.few_labels import verdict as labels_verdict
from vae.analysis.replicates import Replicates
from vae.charts.few_labels import AccuracyLine, accuracy_panels, error_dots, guess_map


def test_every_draw_is_a_point_and_the_mean_a_tick_the_best_on_top():
    figure = error_dots({"a": [0.1, 0.2], "b": [0.05]}, {"b": 0.03, "c": 0.5})
    mean, draws, published = figure.data
    assert list(mean.y) == ["a", "b"]
    assert list(mean.x) == pytest.approx([15, 5])
    assert list(draws.x) == pytest.approx([10, 20, 5])
    assert list(published.y) == ["b"]
    assert list(published.x) == pytest.approx([3])
    assert figure.layout.xaxis.range[1] > 20
    assert len(error_dots({"a": [0.1]}, {}).data) == 2


def test_each_classifier_has_a_panel_of_accuracy_by_size():
    lines = [AccuracyLine(n, (100, 300), ((0.5, 0.7), (0.8, 0.8))) for n in ("x", "y", "z")]
    figure = accuracy_panels({"first": lines, "second": lines})
    assert len(figure.data) == 12
    assert list(figure.data[1].y) == pytest.approx([60, 80])
    assert list(figure.data[0].y) == pytest.approx([50, 70, 80, 80])
    assert [trace.showlegend for trace in figure.data].count(True) == 3


def test_class_probabilities_have_one_column_for_each_image():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]]).tolist()
    figure = guess_map(["a", "b"], probabilities)
    assert np.array(figure.data[0].z).tolist() == [[25, 100, 50], [75, 0, 50]]


@pytest.mark.parametrize(
    ("samples", "word"),
    [((0.6, 0.7), "help"), ((0.4, 0.45), "hurt"), ((0.4, 0.7), "make no clear difference")],
)
def test_the_verdict_on_samples_goes_by_every_draw(samples, word):
    values = {IMAGES: (0.5, 0.6), SAMPLES: samples, SHIFTS: (0.7, 0.8)}
    cells = tuple(
        AccuracyCell(100, classifier, what, Replicates(accuracy))
        for classifier in (LOGISTIC, PERCEPTRON)
        for what, accuracy in values.items()
    )
    found = FewData("digits", (100,), (0, 1), 5, cells)
    points = 100 * (np.mean(samples) - 0.55)
    wanted = f"Samples {word}: {points:+.1f} points with 100 images.".replace("-", "−")
    assert data_verdict(found, SAMPLES) == wanted
    assert data_verdict(found, SHIFTS).startswith("Shifted copies help: +20.0 points")


def test_the_verdict_on_labels_names_the_best_probe():
    errors = {
        "good probe": Replicates((0.2, 0.3)),
        "poor probe": Replicates((0.4, 0.4)),
        M1_M2: Replicates((0.1, 0.1)),
        M2: Replicates((0.15,)),
    }
    found = FewLabels("mnist", 100, (0, 1), (0,), "v", 4, 2.0, errors)
    assert labels_verdict(found) == (
        "With 100 labels good probe gets 25.0 ± 7.1 % of test images wrong, M2 15.0 %, "
        "M1+M2 10.0 ± 0.0 %."
    )
