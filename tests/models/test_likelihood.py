"""Distortions agree with values by hand and with torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae.core.config import ModelConfig
from vae.models.likelihood import Bernoulli, Gaussian, build_likelihood, pixel_mean


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def output() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(5, 3, 4, 4, generator=generator, dtype=torch.float64)


def test_bernoulli_agrees_with_values_by_hand():
    """Means 3/4 and 1/5 with pixels 1 and 1/4 give -ln(3/4) - ln(1/5)/4 - 3 ln(4/5)/4."""
    output = torch.tensor([math.log(3.0), -math.log(4.0)]).reshape(1, 1, 1, 2)
    images = torch.tensor([1.0, 0.25]).reshape(1, 1, 1, 2)
    expected = -math.log(0.75) - 0.25 * math.log(0.2) - 0.75 * math.log(0.8)
    assert expected == pytest.approx(0.8574, abs=1e-4)
    assert float(Bernoulli().distortion(output, images)) == pytest.approx(expected, rel=1e-6)


def test_bernoulli_is_a_coin_s_probability_on_black_and_white_pixels(output, images):
    binary = (images > 0.5).to(images.dtype)
    expected = -TorchBernoulli(logits=output).log_prob(binary).flatten(1).sum(dim=1)
    torch.testing.assert_close(Bernoulli().distortion(output, binary), expected)


def test_bernoulli_is_minimal_where_the_decoded_image_equals_the_image(images):
    best = torch.logit(images)
    entropy = -(images * images.log() + (1 - images) * (1 - images).log()).flatten(1).sum(dim=1)
    torch.testing.assert_close(Bernoulli().distortion(best, images), entropy)
    assert (Bernoulli().distortion(best + 0.1, images) > entropy).all()
    assert (Bernoulli().distortion(best - 0.1, images) > entropy).all()


def test_bernoulli_stays_finite_where_the_decoder_is_sure_and_wrong():
    output = torch.full((1, 1, 1, 2), 200.0)
    cost = Bernoulli().distortion(output, torch.zeros(1, 1, 1, 2))
    assert float(cost) == pytest.approx(400.0)


def test_bernoulli_is_0_where_the_decoder_is_sure_and_right():
    output = torch.tensor([-200.0, 200.0, -90.0, -200.0]).reshape(1, 1, 2, 2)
    images = torch.tensor([0.0, 1.0, 0.0, 0.5]).reshape(1, 1, 2, 2)
    assert float(Bernoulli().distortion(output, images)) == pytest.approx(100.0)
    assert float(Bernoulli().distortion(output[..., :1, :], images[..., :1, :])) == 0.0


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.3)])
@pytest.mark.parametrize("shape", [(1, 3), (70, 784), (2, 70, 784), (2, 3, 5, 40_000)])
def test_the_manual_gradient_agrees_with_autograd(likelihood, shape):
    generator = torch.Generator().manual_seed(3)
    output = (3 * torch.randn(shape, generator=generator)).requires_grad_()
    images = torch.rand(shape[-2:], generator=generator).expand(shape)
    if isinstance(likelihood, Bernoulli):
        plain = torch.nn.functional.binary_cross_entropy_with_logits(
            output, images, reduction="none"
        )
    else:
        plain = -Normal(torch.sigmoid(output), likelihood.scale).log_prob(images)
    plain.sum().backward()
    with torch.no_grad():
        found, gradient = likelihood.distortion_and_gradient(output, images)
    torch.testing.assert_close(found, plain.sum(dim=-1).detach(), rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(gradient, output.grad)


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_gaussian_agrees_with_torch_distributions(output, images, scale):
    expected = -Normal(torch.sigmoid(output), scale).log_prob(images).flatten(1).sum(dim=1)
    torch.testing.assert_close(Gaussian(scale).distortion(output, images), expected)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.1)])
def test_distortion_sums_over_pixels_and_channels_of_each_image(likelihood, output, images):
    whole = likelihood.distortion(output, images)
    assert whole.shape == (5,)
    parts = sum(
        likelihood.distortion(output[:, c : c + 1, r : r + 1], images[:, c : c + 1, r : r + 1])
        for c in range(3)
        for r in range(4)
    )
    torch.testing.assert_close(whole, parts)


def test_the_decoded_image_is_the_sigmoid_of_the_output():
    output = torch.tensor([-math.log(3.0), 0.0, math.log(3.0)])
    torch.testing.assert_close(pixel_mean(output), torch.tensor([0.25, 0.5, 0.75]))


def test_the_configuration_decides_the_likelihood():
    assert build_likelihood(ModelConfig((1, 8, 8))) == Bernoulli()
    gaussian = ModelConfig((1, 8, 8), likelihood="gaussian", pixel_scale=0.3)
    assert build_likelihood(gaussian) == Gaussian(0.3)
