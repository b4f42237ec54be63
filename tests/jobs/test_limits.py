"""Tests the limits on the number and the size of jobs."""

import dataclasses

import pytest

from vae.core.config import ARCHITECTURES, TrainConfig
from vae.core.errors import ConfigError, LimitError
from vae.core.presets import PRESETS
from vae.data.registry import load_dataset, training_image_count
from vae.jobs.limits import CORE_SPEED, Limits, minutes
from vae.runs.request import RunRequest

DIGITS = RunRequest.of(
    TrainConfig("digits", epochs=10, validation_fraction=0.0), architecture="mlp", latent_dim=2
)


def test_the_size_counts_the_operations_of_the_matrices(digits):
    """The layers are 64-400-(2 x 2) and 2-400-64; a weight is a multiplication and an addition."""
    weights = 64 * 400 + 400 * 4 + 2 * 400 + 400 * 64
    steps = 3 * 2 * weights * 1437 * 10
    assert minutes(DIGITS) == pytest.approx(steps / CORE_SPEED / 60)


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a != "spatial"])
@pytest.mark.parametrize("kind", ["vae", "autoencoder", "conditional", "semi-supervised"])
def test_every_architecture_and_kind_has_a_size(architecture, kind):
    request = RunRequest.of(
        TrainConfig("mnist"), architecture=architecture, latent_dim=2, kind=kind
    )
    assert 0.1 < minutes(request) < 60


def test_a_multi_rate_model_has_about_the_size_of_a_plain_one():
    ranged = DIGITS.with_model(beta_range=(0.1, 10.0))
    assert minutes(ranged) == pytest.approx(minutes(DIGITS), rel=0.1)


@pytest.mark.parametrize(
    "name", ["digits", "sprites:scale=2,orientation=4,x=9,y=9", "digits:only=1+2"]
)
def test_the_assumed_number_of_images_is_close_to_the_real_one(name):
    found = load_dataset(name, validation_fraction=0.0)
    assert training_image_count(name) == pytest.approx(len(found.train), rel=0.05)


def test_images_of_a_folder_are_counted(tmp_path):
    for name in ("a.png", "b.JPG", "notes.txt"):
        (tmp_path / name).touch()
    assert training_image_count(f"folder:{tmp_path}") == 2
    assert training_image_count(f"folder:{tmp_path / 'none'}") == 0


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_preset_is_allowed(preset):
    train = TrainConfig(preset.dataset, epochs=preset.epochs)
    Limits().check(
        [RunRequest.of(train, architecture=preset.architecture, latent_dim=preset.latent_dim)],
        active_jobs=0,
    )


def test_a_job_that_is_too_large_is_refused_with_advice():
    endless = dataclasses.replace(DIGITS, train=TrainConfig("mnist", epochs=100_000))
    with pytest.raises(LimitError, match=r"about \d+ hours.*up to 60 minutes; choose fewer epochs"):
        Limits().check([endless], active_jobs=0)


def test_too_many_jobs_are_refused_with_advice():
    with pytest.raises(LimitError, match="takes 2 jobs at a time, and 2 wait or train already"):
        Limits(jobs=2).check([DIGITS], active_jobs=2)
    with pytest.raises(LimitError, match="ask for 1 instead of 2"):
        Limits(jobs=2).check([DIGITS, DIGITS], active_jobs=1)


def test_the_environment_changes_the_limits(monkeypatch):
    monkeypatch.setenv("LATENT_MAX_JOBS", "7")
    monkeypatch.setenv("LATENT_MAX_JOB_MINUTES", "0.5")
    assert Limits.from_environment() == Limits(7, 0.5)


@pytest.mark.parametrize("name", ["LATENT_MAX_JOBS", "LATENT_TRAINING_GIGABYTES"])
@pytest.mark.parametrize("text", ["many", "-1", "nan"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError, match=name):
        Limits.from_environment()
