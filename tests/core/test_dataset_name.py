"""Data sets narrowed to some classes train on these classes and are tested on all."""

from dataclasses import replace

import pytest
import torch

from vae.analysis.eval_classifier import find_eval_classifier
from vae.core.compatibility import check_together
from vae.core.config import ModelConfig, TrainConfig
from vae.core.dataset_name import base_name
from vae.core.errors import ConfigError, DataError
from vae.data.registry import (
    check_dataset_name,
    dataset_title,
    load_dataset,
    load_test_split,
    needs_download,
    trained_labels,
)
from vae.data.splits import Split
from vae.metrics.evaluation import evaluate
from vae.runs.catalogue import read_catalogue
from vae.runs.checkpoint import load_atlas, load_model, load_run
from vae.runs.recorder import RecordedTraining
from vae.runs.run_folder import run_name


def train(path, name, **model):
    dataset = load_dataset(name)
    config = ModelConfig(dataset.image_shape, 2, **model)
    training = RecordedTraining.start(
        path, config, TrainConfig(name, epochs=1), dataset, torch.device("cpu")
    )
    for _ in training.run():
        pass
    return training.finish()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("digits:only=3", {3}),
        ("digits:only=0+7", {0, 7}),
        ("digits:without=3", set(range(10)) - {3}),
    ],
)
def test_training_sees_the_classes_and_the_test_split_is_whole(digits, name, kept):
    found = load_dataset(name)
    assert trained_labels(name) == found.trained_labels == tuple(sorted(kept))
    assert set(found.train.labels.tolist()) | set(found.validation.labels.tolist()) == kept
    wanted = sum(
        int(label) in kept for s in (digits.train, digits.validation) for label in s.labels
    )
    assert len(found.train) + len(found.validation) == wanted
    assert torch.equal(found.test.images, digits.test.images)
    assert torch.equal(load_test_split(name, image_shape=(1, 8, 8)).labels, digits.test.labels)
    assert set(found.in_distribution_test.labels.tolist()) == kept
    assert digits.in_distribution_test is digits.test


def test_results_are_those_of_the_kept_classes_and_the_atlas_has_all_classes(tmp_path, digits):
    run = train(tmp_path / "only", "digits:only=3")
    own = digits.test.labels == 3
    alone = Split(digits.test.images[own], digits.test.labels[own])
    found = evaluate(load_model(run), alone)
    assert run.results.test_distortion == pytest.approx(found.distortion, rel=1e-6)
    assert load_atlas(load_run(run.path)).label.tolist() == digits.test.labels.tolist()


@pytest.mark.parametrize(
    "name",
    [
        "digits:only=",
        "digits:only=10",
        "digits:only=x",
        "digits:only=-1",
        "digits:only=3+3",
        "digits:only=5+3",
        "digits:only=3,5",
        "digits:without=" + "+".join(map(str, range(10))),
        "digits:but=3",
        "digits:only",
        "nothing:only=3",
        "sprites:only=1",
    ],
)
def test_invalid_names_are_refused_in_one_line(name):
    with pytest.raises(DataError) as error:
        check_dataset_name(name)
    assert "\n" not in str(error.value)
    assert trained_labels(name) is None


def test_a_subset_has_the_title_and_the_base_of_its_data_set():
    assert dataset_title("mnist:only=3+5") == "MNIST, only 3 and 5"
    assert dataset_title("fashion-mnist:without=7") == "Fashion-MNIST, without Sneaker"
    assert base_name("mnist:without=3") == "mnist"
    assert base_name("sprites:x=1") == "sprites:x=1"
    assert base_name("folder:a:only=3") == "folder:a:only=3"
    assert needs_download("mnist:only=3")
    assert (
        run_name(TrainConfig("mnist:only=3"), ModelConfig((1, 28, 28)))
        == "mnist-only-3-mlp-2-beta-1-seed-0"
    )


def test_a_subset_is_evaluated_by_the_classifier_of_the_whole_data_set(tmp_path):
    run = train(tmp_path / "only", "digits:only=3")
    train(tmp_path / "part-classifier", "digits:only=1+3", kind="classifier", classes=10)
    train(tmp_path / "classifier", "digits", kind="classifier", classes=10)
    catalogue = read_catalogue(tmp_path)
    assert not catalogue.errors
    assert find_eval_classifier(catalogue.runs, run).name == "classifier"


def test_incompatible_settings_are_refused():
    model, config = ModelConfig((1, 8, 8), beta_range=(0.1, 10.0)), TrainConfig("digits:only=3")
    check_together(model, replace(config, dataset="digits"))
    with pytest.raises(ConfigError, match="whole data sets"):
        check_together(model, config)
    classifier = ModelConfig((1, 8, 8), kind="classifier", classes=10)
    with pytest.raises(ConfigError, match="corruption"):
        check_together(classifier, TrainConfig("digits", corruption=0.5))
