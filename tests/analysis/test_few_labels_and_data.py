"""The studies of few labels and few data, and their commands."""

import json
import statistics

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vae.__main__ import main
from vae.analysis import few_data, few_labels
from vae.analysis.few_data import IMAGES, SAMPLES, SHIFTS, FewData, few_images, shifted_copies
from vae.analysis.few_labels import (
    CODES,
    LIMIT,
    LOGISTIC,
    M1_M2,
    M2,
    PIXELS,
    FewLabels,
    codes_as_images,
)
from vae.analysis.findings import finding_file, read_study
from vae.analysis.replicates import Replicates
from vae.core.errors import ConfigError
from vae.data.registry import load_dataset
from vae.data.sampling import labelled_indices
from vae.metrics.evaluation import encode_split
from vae.runs.checkpoint import load_model, load_run


@pytest.fixture(scope="module")
def whole_digits():
    """The digits with an empty validation split, as the commands read them."""
    return load_dataset("digits", validation_fraction=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory, train_into):
    """Semi-supervised models of digits with two seeds, trained briefly."""
    root = tmp_path_factory.mktemp("models")
    settings = {"epochs": 2, "batch_size": 32, "labelled": 40, "validation_fraction": 0}
    for seed in (4, 5):
        train_into(
            root / f"m2-{seed}", 3, kind="semi-supervised", classes=10, seed=seed, **settings
        )
    return root


def test_replicates_have_a_mean_and_a_deviation():
    values = (0.25, 0.5, 1.0)
    assert Replicates(values).mean == pytest.approx(np.mean(values))
    assert Replicates(values).deviation == pytest.approx(np.std(values, ddof=1))
    assert Replicates((0.5,)).deviation == 0
    for wrong in ((), ("a",), (float("nan"),)):
        with pytest.raises(ConfigError, match="numbers"):
            Replicates(wrong)


def test_codes_become_square_images_of_bytes():
    means = torch.tensor([[-9.0, -LIMIT, 0.0, LIMIT, 9.0]])
    pixels = codes_as_images(means).flatten().tolist()
    assert pixels == [0, 0, 128, 255, 255] + [128] * 11
    drawn = torch.randn(50, 18, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    pixels = codes_as_images(drawn)
    assert pixels.shape == (50, 1, 5, 5)
    back = pixels.flatten(1)[:, :18] / 255 * 2 * LIMIT - LIMIT
    torch.testing.assert_close(back, drawn, atol=1.01 * LIMIT / 255, rtol=0)


@pytest.mark.slow
def test_few_labels_errors_are_those_of_scikit_learn(whole_digits, tiny_checkpoint, models):
    vae, runs = load_run(tiny_checkpoint), [load_run(models / f"m2-{seed}") for seed in (4, 5)]
    found = few_labels.measure_few_labels(whole_digits, vae, 40, [4, 5], 1, runs)
    assert FewLabels.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert found.epochs == 2
    assert {len(errors.values) for errors in found.errors.values()} == {2}
    chosen = labelled_indices(whole_digits.train.labels, 40, 5).numpy()
    for words, train, test in (
        (PIXELS, whole_digits.train.images.flatten(1) / 255, whole_digits.test.images / 255),
        (CODES, *(_rounded_codes(vae, getattr(whole_digits, s)) for s in ("train", "test"))),
    ):
        probe = LogisticRegression(max_iter=5000)
        probe.fit(train.numpy()[chosen], whole_digits.train.labels[chosen])
        right = probe.predict(test.flatten(1).numpy()) == whole_digits.test.labels.numpy()
        error = found.errors[f"{LOGISTIC} on {words}"].values[1]
        assert error == pytest.approx(1 - right.mean(), abs=0.006)
    assert found.errors[M2].values[0] != found.errors[M2].values[1]
    assert all(0 < value < 1 for value in found.errors[M1_M2].values)


def _rounded_codes(run, split):
    return codes_as_images(encode_split(load_model(run), split).mean).flatten(1) / 255


def test_models_of_other_labels_or_seeds_are_refused(tiny_checkpoint, models):
    run = load_run(models / "m2-4")
    with pytest.raises(ConfigError, match="40 labels"):
        few_labels.check_models([run], "digits", 50, [4])
    for runs, seeds in (([run, run], [4]), ([run], [0, 1])):
        with pytest.raises(ConfigError, match="at most one for each"):
            few_labels.check_models(runs, "digits", 40, seeds)
    plain = load_run(tiny_checkpoint)
    with pytest.raises(ConfigError, match="not semi-supervised"):
        few_labels.model_error(plain, load_dataset("digits"))


def test_few_images_are_balanced_and_no_others_are_used(whole_digits):
    few = few_images(whole_digits, 30, seed=2)
    assert few.train.labels.bincount().tolist() == [3] * 10
    assert len(few.validation) == 0
    assert few.test is whole_digits.test


def test_copies_are_shifted_images():
    pixels = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
    moved, labels = shifted_copies(pixels, np.array([1, 5, 2]), seed=0)
    assert labels.tolist() == [1] * few_data.COPIES + [5] * few_data.COPIES + [2] * few_data.COPIES
    for copy, original in zip(moved, np.repeat(pixels, few_data.COPIES, axis=0), strict=True):
        matches = [
            np.array_equal(copy[2:-2, 2:-2], np.roll(original, (d, a), (0, 1))[2:-2, 2:-2])
            for d in range(-2, 3)
            for a in range(-2, 3)
        ]
        assert sum(matches) == 1


@pytest.mark.slow
def test_few_data_accuracies_are_those_of_scikit_learn(whole_digits, monkeypatch):
    monkeypatch.setattr(few_data, "STEPS", 60)
    monkeypatch.setattr(few_data, "VAE_STEPS", 60)
    found = few_data.measure_few_data(whole_digits, [50], [0, 1])
    assert FewData.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert len(found.cells) == 6
    accuracy = {(c.classifier, c.trained_on): c.accuracy.values for c in found.cells}
    alone = accuracy[few_data.LOGISTIC, IMAGES]
    few = few_images(whole_digits, 50, seed=1).train
    probe = LogisticRegression(C=0.1, max_iter=300)
    probe.fit(few.images.flatten(1).numpy() / 255, few.labels.numpy())
    test = whole_digits.test
    score = probe.score(test.images.flatten(1).numpy() / 255, test.labels.numpy())
    assert alone[1] == pytest.approx(score, abs=0.01)
    for other in (SAMPLES, SHIFTS):
        gain = found.gain(50, few_data.LOGISTIC, other)
        wanted = np.subtract(accuracy[few_data.LOGISTIC, other], alone)
        assert gain.mean == pytest.approx(statistics.fmean(wanted.tolist()))


def test_samples_are_of_their_classes(whole_digits, monkeypatch):
    monkeypatch.setattr(few_data, "STEPS", 300)
    monkeypatch.setattr(few_data, "VAE_STEPS", 300)
    few = few_images(whole_digits, 200, seed=0)
    pixels, labels = few_data.draw_samples(few_data.train_conditional(few, 0), 200, 0)
    assert np.bincount(labels).tolist() == [20] * 10
    real = few_data.as_arrays(whole_digits.test)
    right = LogisticRegression(max_iter=1000).fit(real[0].reshape(len(real[0]), -1), real[1])
    assert right.score(pixels.reshape(200, -1), labels) > 0.5  # chance is 0.1


def test_commands_print_and_store_their_findings(
    tiny_checkpoint, models, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(few_data, "STEPS", 20)
    monkeypatch.setattr(few_data, "VAE_STEPS", 20)
    threads = torch.get_num_threads()
    words = ["few-labels", str(models / "m2-4"), "--dataset", "digits", "--labels", "40"]
    words += ["--vae", str(tiny_checkpoint), "--epochs", "1", "--seed", "4", "--draws", "1"]
    for command in (words, ["few-data", "--dataset", "digits", "--images", "20", "--draws", "1"]):
        assert main([*command, "--threads", "1", "--save", "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        kept = read_study(finding_file(tmp_path, command[0], "digits"), command[0])
        assert kept is not None
        assert kept.found == json.loads(line)
        assert kept.command.startswith(f"vae {command[0]}")
    assert main(["few-labels", "--dataset", "digits", "--threads", "1"]) == 2
    assert "--vae" in capsys.readouterr().err
    torch.set_num_threads(threads)
