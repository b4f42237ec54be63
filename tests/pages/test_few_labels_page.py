"""The page Few labels, few data: what was measured, and one model's guesses."""

import shutil

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
from vae.analysis.few_labels import M1_M2, FewLabels
from vae.analysis.findings import StudyFinding, finding_file, write_finding
from vae.analysis.replicates import Replicates

PAGE = "pages/few_labels.py"


@pytest.fixture(scope="module")
def few_checkpoints(tmp_path_factory, small_checkpoints, train_into):
    """A semi-supervised model of digits beside a plain one, and what two studies found."""
    root = tmp_path_factory.mktemp("few")
    shutil.copytree(small_checkpoints / "digits-map", root / "digits-map")
    settings = {"epochs": 2, "labelled": 40}
    train_into(root / "digits-semi", 3, kind="semi-supervised", classes=10, **settings)
    errors = {"some probe": Replicates((0.2, 0.3)), M1_M2: Replicates((0.1, 0.2))}
    labels = FewLabels("digits", 40, (0, 1), (), "digits-map", 4, None, errors)
    cells = tuple(
        AccuracyCell(size, classifier, what, Replicates((value, value)))
        for size in (50, 100)
        for classifier in (LOGISTIC, PERCEPTRON)
        for what, value in ((IMAGES, 0.5), (SAMPLES, 0.4), (SHIFTS, 0.6))
    )
    data = FewData("digits", (50, 100), (0, 1), 5, cells)
    for study, found in (("few-labels", labels), ("few-data", data)):
        outcome = StudyFinding.now(study, f"vae {study}", found.to_dict())
        write_finding(finding_file(root, study, "digits"), outcome)
    return root


def texts(page) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption))


def test_errors_and_guesses(open_page, few_checkpoints):
    page = open_page(PAGE, checkpoints=few_checkpoints)
    assert not page.exception
    assert not page.warning
    assert "some probe gets 25.0 ± 7.1 % of test images wrong, M1+M2 15.0 ± 7.1 %" in texts(page)
    assert "test images correctly" in texts(page)
    assert len(page.get("plotly_chart")) == 2
    assert len(page.get("image")) == 10


@pytest.mark.parametrize(
    ("view", "words"),
    [("Labelled images", "The 40 training images"), ("Samples", "as every class")],
)
def test_the_other_views_of_the_model(open_page, few_checkpoints, view, words):
    page = open_page(PAGE, checkpoints=few_checkpoints, model="digits-semi")
    control = next(group for group in page.segmented_control if group.label == "This model")
    control.set_value(view).run()
    assert not page.exception
    assert words in texts(page)
    assert len(page.get("image")) == 1


def test_few_data_says_that_samples_hurt(open_page, few_checkpoints):
    page = open_page(PAGE, checkpoints=few_checkpoints, few="data")
    assert not page.exception
    assert "Samples hurt: −10.0 points with 50 images" in texts(page)
    assert "Shifted copies help: +10.0 points" in texts(page)


def test_without_outcomes_and_models_it_says_how_to_get_them(open_page):
    page = open_page(PAGE)
    assert not page.exception
    assert not page.warning
    assert "vae few-labels --dataset digits --save" in texts(page)
    assert any("--model semi-supervised" in info.value for info in page.info)


def test_an_outcome_that_is_none_is_named_in_one_sentence(open_page, few_checkpoints, tmp_path):
    root = shutil.copytree(few_checkpoints, tmp_path / "copy")
    (root / "few-labels-digits.json").write_text("{")
    page = open_page(PAGE, checkpoints=root)
    assert not page.exception
    assert "is not complete JSON" in page.warning[0].value


def test_the_train_page_asks_for_as_many_labels_as_it_says(open_page, tmp_path, monkeypatch):
    from pages.state.training_queue import training_queue

    page = open_page("pages/train.py", checkpoints=tmp_path)
    wanted = []
    monkeypatch.setattr(
        type(training_queue()), "submit", lambda queue, request: wanted.append(request) or _Job
    )
    for kind, labelled in (("semi-supervised", 50), ("conditional", 0)):
        page.selectbox(key="kind-5 seconds").set_value(kind)
        page.number_input(key="labelled-5 seconds").set_value(50)
        next(button for button in page.button if button.label == "Train").click().run()
        assert wanted[-1].model.kind == kind
        assert wanted[-1].train.labelled == labelled


class _Job:
    number = 0
