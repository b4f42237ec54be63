"""The perceptual loss is a distance in a classifier's features, and training lowers it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vae.__main__ import main
from vae.analysis.eval_classifier import EvalClassifier
from vae.core.compatibility import check_together
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import CheckpointError, ConfigError
from vae.models.build import build_seeded
from vae.runs.checkpoint import load_run
from vae.runs.perceptual_model import open_perceptual_loss
from vae.runs.report import train_command
from vae.training import TrainingRun, run_training
from vae.training.manual.support import supports_manual_step
from vae.training.perceptual import PerceptualLoss

PLAIN = ModelConfig((1, 8, 8), 3)


@pytest.fixture(scope="module")
def classifier_path(tmp_path_factory, train_into):
    path = tmp_path_factory.mktemp("checkpoints") / "classifier"
    return train_into(path, 8, "conv", kind="classifier", classes=10, epochs=3, learning_rate=5e-3)


@pytest.fixture(scope="module")
def perceptual(classifier_path) -> TrainConfig:
    return TrainConfig(
        "digits",
        epochs=5,
        batch_size=32,
        learning_rate=5e-3,
        perceptual=100,
        critic=str(classifier_path),
    )


def some_images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_the_distance_is_the_relative_squared_difference_of_features(classifier_path):
    """The reference runs torch's functions for one image at a time and compares in numpy."""
    perceptual_loss = open_perceptual_loss(
        PLAIN, TrainConfig("x", perceptual=1, critic=str(classifier_path)), "cpu"
    )
    layers = list(EvalClassifier.open(classifier_path)._model.encoder)
    shown, images = some_images(3), some_images(3, 1)
    expected = []
    for pair in zip(shown, images, strict=True):
        seen = []
        for image in pair:
            signal, outputs = image[None], []
            for layer in layers:
                signal = layer(signal)
                if isinstance(layer, torch.nn.ReLU):
                    outputs.append(signal.numpy().ravel().copy())
            seen.append(outputs)
        relative = [
            np.sum((a - b) ** 2) / np.sum(b**2) for a, b in zip(seen[0], seen[1], strict=True)
        ]
        assert len(relative) == 3
        expected.append(np.mean(relative))
    assert perceptual_loss.distance(shown, images).numpy() == pytest.approx(
        np.array(expected), rel=1e-4
    )
    assert not perceptual_loss.distance(images, images).any()


def test_the_loss_is_a_penalty_with_a_gradient_for_the_decoder(classifier_path):
    perceptual_loss = open_perceptual_loss(
        PLAIN, TrainConfig("x", perceptual=7, critic=str(classifier_path)), "cpu"
    )
    model, images = build_seeded(PLAIN, 0), some_images(4)
    terms = model.elbo_terms(images, torch.Generator().manual_seed(0))
    found = perceptual_loss(terms, images)
    distance = perceptual_loss.distance(torch.sigmoid(terms.decoded), images)
    torch.testing.assert_close(found.penalty, 7 * distance)
    torch.testing.assert_close(perceptual_loss(found, images).penalty, 14 * distance)
    assert torch.equal(found.distortion, terms.distortion)
    found.penalty.sum().backward()
    assert next(iter(model.decoder)).weight.grad.abs().sum() > 0


def test_training_with_the_loss_lowers_the_distance_and_the_likelihood(digits, perceptual):
    plain, found = replace(perceptual, perceptual=0.0, critic=""), []
    perceptual_loss = open_perceptual_loss(PLAIN, perceptual, "cpu")
    images = digits.test.batch(torch.arange(300))
    for config, asked in ((plain, None), (perceptual, perceptual_loss)):
        training = TrainingRun(PLAIN, config, digits, perceptual_loss=asked)
        for _ in run_training(training):
            pass
        with torch.no_grad():
            z = training.model.encode(images).mean
            found.append(
                perceptual_loss.distance(training.model.decode_mean(z), images).mean().item()
            )
    assert found[1] < 0.9 * found[0]


def test_the_manual_step_refuses_a_perceptual_loss(perceptual):
    assert not supports_manual_step(PLAIN, perceptual, torch.device("cpu"))
    assert supports_manual_step(
        PLAIN, replace(perceptual, perceptual=0.0, critic=""), torch.device("cpu")
    )


@pytest.mark.parametrize("settings", [{"critic": "somewhere"}, {"perceptual": 2.0}])
def test_a_weight_and_a_classifier_need_each_other(settings):
    with pytest.raises(ConfigError, match="classifier's checkpoint"):
        TrainConfig("digits", **settings)


def test_a_checkpoint_that_is_no_classifier_of_such_images_is_refused(
    perceptual, tiny_checkpoint, tmp_path
):
    with pytest.raises(ConfigError, match="must be a classifier"):
        open_perceptual_loss(PLAIN, replace(perceptual, critic=str(tiny_checkpoint)), "cpu")
    with pytest.raises(ConfigError, match="of shape"):
        open_perceptual_loss(replace(PLAIN, image_shape=(3, 8, 8)), perceptual, "cpu")
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        open_perceptual_loss(PLAIN, replace(perceptual, critic=str(tmp_path / "nobody")), "cpu")


def test_only_models_of_images_allow_the_loss(perceptual):
    with pytest.raises(ConfigError, match="models of images"):
        check_together(replace(PLAIN, kind="classifier", classes=10), perceptual)
    with pytest.raises(ConfigError, match="models of images"):
        check_together(PLAIN, replace(perceptual, objective="beta-tcvae"))


def test_terms_without_an_image_are_refused():
    model = build_seeded(PLAIN, 0)
    terms = replace(model.elbo_terms(some_images(2), torch.Generator()), decoded=None)
    with pytest.raises(ConfigError, match="decodes to images"):
        PerceptualLoss(model.encoder, 1.0)(terms, some_images(2))


TRAIN = (
    "train --dataset digits --latent-dim 2 --epochs 1 --batch-size 256 --device cpu --threads 1 "
    "--perceptual 5 --json"
).split()


def test_the_command_finds_the_classifier_and_the_record_names_it(
    classifier_path, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(classifier_path.parent))
    assert main([*TRAIN, "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    run = load_run(tmp_path / "run")
    assert (run.train.perceptual, run.train.critic) == (5, str(classifier_path))
    assert f"--perceptual 5 --critic {classifier_path}" in train_command(run)


def test_the_command_without_a_classifier_fails_with_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(tmp_path / "nothing"))
    assert main([*TRAIN, "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no classifier of digits" in line
