"""Each health issue is found in a run that has it, and in no healthy or shipped model."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.health import (
    CLAMPED_SHARE,
    PRIOR_GAP,
    RunMeasurements,
    check_measurements,
    check_run,
    clamped_share,
    prior_gap,
)
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError, DivergedError
from vae.metrics.evaluation import encode_split
from vae.runs.catalogue import read_catalogue
from vae.runs.checkpoint import load_run
from vae.runs.report import train_command
from vae.training import TrainingRun, run_training

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
MODEL = ModelConfig((1, 8, 8), 3)
TRAIN = TrainConfig("digits", epochs=3)


def epoch(distortion: float, rate: float = 2.0, beta: float = 1.0) -> dict:
    return {"distortion": distortion, "rate": rate, "beta": beta}


def healthy(**changes) -> RunMeasurements:
    """The measurements of a healthy run, whose codes and deviations fit the prior."""
    generator = np.random.default_rng(0)
    means = (generator.standard_normal((5000, 3)) * math.sqrt(0.75)).astype(np.float32)
    logvars = np.full((5000, 3), math.log(0.25), np.float32)
    epochs = [epoch(30), epoch(25), epoch(22)]
    measured = RunMeasurements(MODEL, TRAIN, epochs, 24.5, (), means, logvars)
    return dataclasses.replace(measured, **changes)


def names(measured: RunMeasurements) -> list[str]:
    return [issue.name for issue in check_measurements(measured)]


def test_a_healthy_run_has_no_issues():
    assert check_measurements(healthy()) == ()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"inactive": (0, 1, 2)}, ["collapse"]),
        ({"inactive": (1,)}, ["unused-dimensions"]),
        (
            {"means": np.random.default_rng(0).normal(0, 9, (5000, 3)).astype("f")},
            ["too-little-kl"],
        ),
        ({"epochs": [epoch(100), epoch(25), epoch(22)]}, ["explosion"]),
        ({"epochs": [epoch(30), epoch(25), epoch(50), epoch(22)]}, ["explosion"]),
        ({"epochs": [epoch(30), epoch(15)], "test_loss": 21.0}, ["over-fitting"]),
        ({"epochs": []}, []),
        ({"epochs": [epoch(30, 100, 0.1), epoch(25, 40, 0.5), epoch(22, 2, 1)]}, []),
    ],
)
def test_each_issue_is_found_alone(changes, wanted):
    assert names(healthy(**changes)) == wanted


def test_a_density_whose_loss_passes_zero_has_not_exploded():
    model = dataclasses.replace(MODEL, likelihood="gaussian")
    epochs = [epoch(200), epoch(1), epoch(2), epoch(-60)]
    assert names(healthy(model=model, epochs=epochs, test_loss=-57.0)) == []


def test_the_share_of_clamped_log_variances_is_measured():
    logvars = healthy().logvars.copy()
    logvars[:1500] = 10.0
    found = check_measurements(healthy(logvars=logvars))
    assert clamped_share(healthy(logvars=logvars)) == pytest.approx(0.3)
    assert CLAMPED_SHARE < 0.3
    assert "clamped-log-variance" in [s.name for s in found]
    open_ = dataclasses.replace(MODEL, logvar_limit=1e4)
    assert clamped_share(healthy(logvars=logvars, model=open_)) == 0


def test_the_prior_gap_is_the_divergence_of_a_normal_with_the_moments():
    generator = np.random.default_rng(1)
    means = (generator.standard_normal((200_000, 2)) @ [[2.0, 1.0], [0.0, 1.5]] + 1).astype("f")
    logvars = np.tile(np.log([0.5, 0.1]), (len(means), 1)).astype("f")
    model = dataclasses.replace(MODEL, latent_dim=2)
    measured = healthy(means=means, logvars=logvars, model=model)
    draws = means + np.exp(logvars / 2) * generator.standard_normal(means.shape)
    # The mean of log Normal(z; m, C) - log Normal(z; 0, 1) over draws of the normal itself.
    from scipy.stats import multivariate_normal

    fitted = multivariate_normal(draws.mean(0), np.cov(draws.T))
    own = fitted.rvs(200_000, random_state=0)
    wanted = (fitted.logpdf(own) - multivariate_normal(np.zeros(2)).logpdf(own)).mean()
    assert prior_gap(measured) == pytest.approx(wanted, rel=0.02)
    assert wanted > PRIOR_GAP


def test_a_model_without_posterior_has_no_posterior_issues():
    model = dataclasses.replace(MODEL, kind="autoencoder")
    far = healthy().means * 50
    logvars = np.full_like(far, -10)
    assert names(healthy(model=model, means=far, logvars=logvars)) == []


def test_failures_come_first():
    found = check_measurements(
        healthy(inactive=(1,), epochs=[epoch(30), epoch(15)], test_loss=21.0)
    )
    assert [s.is_failure for s in found] == [True, False]


def test_the_models_that_ship_have_no_failures():
    catalogue = read_catalogue(CHECKPOINTS)
    assert catalogue.runs
    for run in catalogue.runs:
        # The flat partner of mnist-ladder: its codes leave the prior, as those of a ladder do not.
        allowed = {"too-little-kl"} if run.name == "mnist-flat" else set()
        assert {s.name for s in check_run(run) if s.is_failure} <= allowed, run.name


def test_the_command_prints_what_the_function_finds(tiny_checkpoint, capsys):
    assert main(["diagnose", str(tiny_checkpoint), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = check_run(load_run(tiny_checkpoint))
    assert printed["symptoms"] == [issue.to_dict() for issue in found]
    assert printed["prior_gap"] < PRIOR_GAP
    assert main(["diagnose", str(tiny_checkpoint)]) == 0


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_the_configuration_sets_the_clamp(digits, architecture):
    """Both training steps: the manual one and autograd."""
    config = ModelConfig((1, 8, 8), 4, architecture, logvar_limit=1.0)
    train = TrainConfig("digits", epochs=5, learning_rate=5e-3, batch_size=64, beta=0.05)
    training = TrainingRun(config, train, digits)
    for _ in run_training(training):
        pass
    assert float(encode_split(training.model, digits.test).logvar.abs().max()) == 1.0
    wide = TrainingRun(dataclasses.replace(config, logvar_limit=10.0), train, digits)
    for _ in run_training(wide):
        pass
    assert float(encode_split(wide.model, digits.test).logvar.abs().max()) > 1.0


def test_without_a_clamp_a_run_can_diverge(digits):
    settings = {"epochs": 2, "learning_rate": 1.0, "schedule": "constant", "batch_size": 64}
    unclamped = ModelConfig((1, 8, 8), 2, "mlp-deep", logvar_limit=1e4)
    diverging = TrainingRun(unclamped, TrainConfig("digits", **settings), digits)
    with pytest.raises(DivergedError, match="learning rate"):
        list(run_training(diverging))
    clamped = TrainingRun(
        ModelConfig((1, 8, 8), 2, "mlp-deep"), TrainConfig("digits", **settings), digits
    )
    for _ in run_training(clamped):
        pass
    assert clamped.finished


def test_an_invalid_clamp_is_refused():
    with pytest.raises(ConfigError, match="logvar_limit"):
        dataclasses.replace(MODEL, logvar_limit=0.0)


def test_the_training_command_names_a_changed_clamp(tiny_checkpoint):
    run = load_run(tiny_checkpoint)
    assert "logvar-limit" not in train_command(run)
    model = dataclasses.replace(run.model, logvar_limit=100.0)
    assert "--logvar-limit 100" in train_command(dataclasses.replace(run, model=model))


def test_warm_up_with_a_constant_rate_is_no_rise():
    epochs = [epoch(100 - 10 * i, rate=200, beta=i / 4) for i in range(5)]
    model = dataclasses.replace(MODEL, image_shape=(1, 28, 28))
    assert "explosion" not in names(healthy(epochs=epochs, model=model, test_loss=260.0))


def test_a_prior_gap_that_is_small_beside_the_rate_is_no_issue():
    """The same codes have a far higher rate when their posteriors are narrower."""
    means = np.random.default_rng(0).normal(0, 2.0, (5000, 3)).astype(np.float32)
    coarse = healthy(means=means)
    exact = healthy(means=means, logvars=np.full((5000, 3), -9.5, np.float32))
    assert names(coarse) == ["too-little-kl"]
    assert prior_gap(exact) > PRIOR_GAP
    assert names(exact) == []
