"""Likelihoods with learned scales agree with scipy and torch, and train."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import logistic
from torch.distributions import Normal

from vae.core.config import LIKELIHOODS, ModelConfig, TrainConfig
from vae.core.device import pick_device
from vae.core.errors import ConfigError
from vae.metrics.evaluation import evaluate
from vae.models.build import build_seeded
from vae.models.likelihood import DiscretisedLogistic, LearnedGaussian, build_likelihood
from vae.runs.checkpoint import load_model, load_run
from vae.runs.recorder import RecordedTraining
from vae.training import TrainingRun, run_training
from vae.training.manual.support import supports_manual_step

PLAIN = ModelConfig((1, 8, 8), 3)
SHORT = TrainConfig("digits", epochs=3, batch_size=32, learning_rate=5e-3)
LEARNED = ["gaussian-learned", "logistic"]


def some(shape, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def levels(shape) -> torch.Tensor:
    """Returns 8-bit pixels, with the lowest and the highest level among them."""
    found = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(5))
    found[0, 0, 0, :2] = torch.tensor([0, 255])
    return found


def with_log_scales(likelihood, values):
    """Sets these scales by the inverse of the soft clip."""
    wanted = torch.tensor(values).double()
    with torch.no_grad():
        likelihood.raw_log_scale.copy_(-6 + torch.log(torch.expm1(wanted + 6)))
    return likelihood


@pytest.mark.parametrize("scale", [0.004, 0.02, 0.3])
def test_the_logistic_is_the_difference_of_scipys_distribution_function(scale):
    """It holds in double precision, with tails at the ends (Salimans et al. 2017, section 2.1)."""
    pixels, output = levels((3, 3, 4, 5)), 4 * some((3, 3, 4, 5)) - 2
    scales = scale * np.array([1.0, 2.0, 0.7])
    likelihood = with_log_scales(DiscretisedLogistic(3, 0.1), np.log(scales)).double()
    found = likelihood.distortion(output.double(), pixels.double() / 255)
    mean = torch.sigmoid(output.double()).numpy()
    which = logistic(loc=mean, scale=scales[None, :, None, None])
    x = pixels.numpy()
    upper = np.where(x == 255, 1.0, which.cdf((x + 0.5) / 255))
    lower = np.where(x == 0, 0.0, which.cdf((x - 0.5) / 255))
    # Above the mean the other tail has the digits that the difference needs.
    high, low = which.sf((x - 0.5) / 255), which.sf((x + 0.5) / 255)
    other = np.where(x == 0, 1.0, high) - np.where(x == 255, 0.0, low)
    probability = np.where(x / 255 > mean, other, upper - lower)
    expected = -np.log(probability).reshape(3, -1).sum(axis=1)
    assert found.detach().numpy() == pytest.approx(expected, rel=1e-6)


def test_the_probabilities_of_all_256_levels_add_up_to_one():
    likelihood = DiscretisedLogistic(1, 0.05)
    pixels = torch.arange(256).reshape(256, 1, 1, 1) / 255
    for logit in (-9.0, 0.3, 4.0):
        costs = likelihood.distortion(torch.full((256, 1, 1, 1), logit), pixels)
        assert torch.exp(-costs).sum().item() == pytest.approx(1, abs=1e-5)
        assert costs.min().item() >= 0


def test_the_logistic_stays_finite_where_the_decoder_is_sure_and_wrong():
    likelihood = with_log_scales(DiscretisedLogistic(1, 0.1), [math.log(0.0026)])
    output = torch.tensor([-300.0, 300.0]).reshape(1, 1, 1, 2).requires_grad_()
    cost = likelihood.distortion(output, torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2))
    cost.sum().backward()
    assert cost.item() == pytest.approx(2 * (254.5 / 255) / 0.0026, rel=1e-3)
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize("scale", [0.03, 0.4])
def test_the_learned_gaussian_is_torchs_normal(scale):
    output, images = 3 * some((4, 3, 5, 5)) - 1, some((4, 3, 5, 5), 1)
    found = LearnedGaussian(scale).distortion(output, images)
    expected = -Normal(torch.sigmoid(output), scale).log_prob(images).flatten(1).sum(dim=1)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=1e-2)


def test_the_best_scale_is_the_root_of_the_mean_squared_error():
    """This is equation 5 of Rybkin et al. 2021."""
    output, images = 3 * some((6, 1, 8, 8)) - 1, some((6, 1, 8, 8), 1)
    likelihood = LearnedGaussian(0.1)
    optimiser = torch.optim.Adam(likelihood.parameters(), 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        likelihood.distortion(output, images).mean().backward()
        optimiser.step()
    expected = (torch.sigmoid(output) - images).square().mean().sqrt()
    assert likelihood.scale.item() == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("start", [0.001, 0.1, 2.0])
def test_training_begins_with_the_pixel_scale(start):
    config = ModelConfig((3, 8, 8), likelihood="logistic", pixel_scale=start)
    scales = build_likelihood(config).scale
    assert scales.tolist() == pytest.approx([max(start, math.exp(-6 + 1e-3))] * 3, rel=1e-4)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood_learns(digits, likelihood):
    training = TrainingRun(replace(PLAIN, likelihood=likelihood), SHORT, digits)
    before = evaluate(training.model, digits.test)
    for _ in run_training(training):
        pass
    assert evaluate(training.model, digits.test).elbo > before.elbo + 5


@pytest.mark.parametrize("likelihood", LEARNED)
def test_the_scales_are_trained_stored_and_resumed(digits, tmp_path, likelihood):
    config, device = replace(PLAIN, likelihood=likelihood), pick_device("cpu")
    whole = RecordedTraining.start(tmp_path / "whole", config, SHORT, digits, device)
    for _ in whole.run():
        pass
    run = whole.finish()
    raw = whole.training.model.likelihood.raw_log_scale.detach()
    assert not torch.equal(raw, build_likelihood(config).raw_log_scale)
    stored = load_model(load_run(run.path))
    assert torch.equal(stored.likelihood.raw_log_scale, raw)
    assert evaluate(stored, digits.test).distortion == run.results.test_distortion

    stopped = RecordedTraining.start(tmp_path / "stopped", config, SHORT, digits, device)
    next(stopped.run(report_seconds=0))
    stopped.finish()
    resumed = RecordedTraining.resume(tmp_path / "stopped", digits, device)
    for _ in resumed.run():
        pass
    assert torch.equal(resumed.training.model.likelihood.raw_log_scale.detach(), raw)


def test_the_manual_step_refuses_learned_likelihoods():
    device = torch.device("cpu")
    assert supports_manual_step(PLAIN, SHORT, device)
    assert supports_manual_step(replace(PLAIN, likelihood="gaussian"), SHORT, device)
    for likelihood in LEARNED:
        assert not supports_manual_step(replace(PLAIN, likelihood=likelihood), SHORT, device)


def test_at_a_beta_and_at_a_label_the_learned_scale_is_the_same():
    for changes in (
        {"beta_range": (0.1, 10.0)},
        {"kind": "conditional", "classes": 10},
    ):
        model = build_seeded(replace(PLAIN, likelihood="gaussian-learned", **changes), 0)
        plain = model.at_label(3).at_beta(2.0)
        assert plain.likelihood is model.likelihood


def test_a_classifier_has_no_likelihood_of_images():
    with pytest.raises(ConfigError, match="no likelihood"):
        replace(PLAIN, kind="classifier", classes=10, likelihood="logistic")
