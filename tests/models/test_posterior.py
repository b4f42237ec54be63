"""The diagonal Gaussian posterior agrees with torch.distributions."""

import jaxtyping
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae.models.posterior import LOGVAR_LIMIT, Posterior, prior_log_prob


@pytest.fixture
def posterior() -> Posterior:
    generator = torch.Generator().manual_seed(1)
    mean = 2 * torch.randn(7, 4, generator=generator, dtype=torch.float64)
    logvar = 3 * torch.randn(7, 4, generator=generator, dtype=torch.float64)
    return Posterior(mean, logvar)


def normal(posterior: Posterior) -> Normal:
    return Normal(posterior.mean, posterior.logvar.exp().sqrt())


def test_kl_agrees_with_torch_distributions(posterior):
    expected = kl_divergence(normal(posterior), Normal(0.0, 1.0))
    torch.testing.assert_close(posterior.kl(), expected)


def test_kl_is_zero_at_the_prior_alone():
    prior = Posterior(torch.zeros(1, 3), torch.zeros(1, 3))
    other = Posterior(torch.tensor([[0.1, 0.0, 0.0]]), torch.tensor([[0.0, 0.1, -0.1]]))
    assert torch.equal(prior.kl(), torch.zeros(1, 3))
    assert (other.kl() > 0).all()


def test_log_prob_agrees_with_torch_distributions(posterior):
    z = torch.randn(7, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    torch.testing.assert_close(posterior.log_prob(z), normal(posterior).log_prob(z).sum(dim=1))


def test_prior_log_prob_is_that_of_a_standard_normal():
    z = torch.linspace(-4, 4, 12, dtype=torch.float64).reshape(4, 3)
    torch.testing.assert_close(prior_log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(dim=1))


def test_log_variance_is_clamped_on_both_sides():
    wild = torch.tensor([[-1e6, -LOGVAR_LIMIT, 0.5, LOGVAR_LIMIT, 1e6]])
    clamped = Posterior.clamped(torch.zeros(1, 5), wild)
    expected = torch.tensor([[-LOGVAR_LIMIT, -LOGVAR_LIMIT, 0.5, LOGVAR_LIMIT, LOGVAR_LIMIT]])
    assert torch.equal(clamped.logvar, expected)
    assert torch.isfinite(clamped.kl()).all()


def test_mode_is_the_mean(posterior):
    assert torch.equal(posterior.mode(), posterior.mean)


def test_samples_have_the_posterior_s_mean_and_variance():
    count = 40_000
    mean, logvar = torch.tensor([[1.5, -2.0]]), torch.tensor([[-1.0, 2.0]])
    posterior = Posterior(mean.repeat(count, 1), logvar.repeat(count, 1))
    samples = posterior.sample(torch.Generator().manual_seed(0))
    std = torch.exp(0.5 * logvar[0])
    assert ((samples.mean(dim=0) - mean[0]).abs() < 4 * std / count**0.5).all()
    torch.testing.assert_close(samples.std(dim=0), std, rtol=0.02, atol=0)


def test_a_sample_follows_from_its_generator_alone(posterior):
    torch.manual_seed(0)
    first = posterior.sample(torch.Generator().manual_seed(5))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again = posterior.sample(torch.Generator().manual_seed(5))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, posterior.sample(torch.Generator().manual_seed(6)))


def test_gradients_flow_through_a_sample():
    """By the reparameterisation trick, dz/dmean = 1 and dz/dlogvar = (z - mean) / 2."""
    mean = torch.tensor([[0.3, -1.0]], requires_grad=True)
    logvar = torch.tensor([[0.7, -2.0]], requires_grad=True)
    z = Posterior(mean, logvar).sample(torch.Generator().manual_seed(3))
    z.sum().backward()
    assert mean.grad is not None
    assert logvar.grad is not None
    torch.testing.assert_close(mean.grad, torch.ones(1, 2))
    torch.testing.assert_close(logvar.grad, (z - mean).detach() / 2)


def test_the_mean_of_log_ratios_over_samples_is_the_kl():
    count = 50_000
    posterior = Posterior(torch.full((count, 1), 0.8), torch.full((count, 1), -1.2))
    z = posterior.sample(torch.Generator().manual_seed(0))
    ratios = posterior.log_prob(z) - prior_log_prob(z)
    error = float(ratios.std()) / count**0.5
    assert abs(float(ratios.mean() - posterior.kl()[0, 0])) < 4 * error


def test_shapes_in_annotations_are_checked_while_testing():
    with pytest.raises(jaxtyping.TypeCheckError):
        Posterior(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(jaxtyping.TypeCheckError):
        prior_log_prob(torch.zeros(3))
