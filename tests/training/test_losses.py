"""The ELBO's terms and the losses agree with plain loops."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae.core.config import ModelConfig
from vae.models.condition import Condition
from vae.models.elbo import ElboTerms
from vae.models.posterior import Posterior
from vae.models.vae import VAE
from vae.training.losses import beta_tcvae_loss, beta_vae_loss, multi_rate_loss, warmup_kl_scale
from vae.training.total_correlation import decompose_rate


def terms_with_rates(distortion: torch.Tensor, rate_per_dimension: torch.Tensor) -> ElboTerms:
    """Return terms with given rates, which need not be those of the posterior."""
    zeros = torch.zeros_like(rate_per_dimension)
    return ElboTerms(distortion, rate_per_dimension, Posterior(zeros, zeros), zeros)


@pytest.fixture
def terms() -> ElboTerms:
    generator = torch.Generator().manual_seed(0)
    return terms_with_rates(
        100 * torch.rand(6, generator=generator, dtype=torch.float64),
        torch.rand(6, 3, generator=generator, dtype=torch.float64) * torch.tensor([0.1, 1.0, 4.0]),
    )


def loss_by_hand(terms: ElboTerms, beta: float, free_bits: float) -> float:
    images, dimensions = terms.rate_per_dimension.shape
    distortion = sum(float(d) for d in terms.distortion) / images
    rate = 0.0
    for j in range(dimensions):
        mean = sum(float(terms.rate_per_dimension[i, j]) for i in range(images)) / images
        rate += max(mean, free_bits)
    return distortion + beta * rate


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
@pytest.mark.parametrize("free_bits", [0.0, 0.3, 10.0])
def test_loss_is_distortion_plus_weighted_rate(terms, beta, free_bits):
    found = float(beta_vae_loss(terms, beta, free_bits))
    assert found == pytest.approx(loss_by_hand(terms, beta, free_bits), rel=1e-12)


def test_dimensions_below_the_free_bits_have_no_gradient():
    rates = torch.tensor([[0.1, 2.0], [0.3, 3.0]], requires_grad=True)
    beta_vae_loss(terms_with_rates(torch.zeros(2), rates), beta=4.0, free_bits=0.5).backward()
    assert rates.grad is not None
    assert torch.equal(rates.grad, torch.tensor([[0.0, 2.0], [0.0, 2.0]]))


def test_free_bits_apply_to_the_mean_over_the_batch():
    rates = torch.tensor([[0.0], [1.0]])
    loss = beta_vae_loss(terms_with_rates(torch.zeros(2), rates), beta=1.0, free_bits=0.5)
    assert float(loss) == pytest.approx(0.5)


def test_the_elbo_does_not_depend_on_beta(terms):
    torch.testing.assert_close(terms.rate, terms.rate_per_dimension.sum(dim=1))
    torch.testing.assert_close(terms.elbo, -terms.distortion - terms.rate_per_dimension.sum(dim=1))


def test_terms_agree_with_torch_distributions():
    model = VAE.seeded(ModelConfig((1, 8, 8), latent_dim=3), seed=4)
    images = (torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    found = model.elbo_terms(images, torch.Generator().manual_seed(9))

    mean, logvar = model.encoder(images).split(3, dim=1)
    q = Normal(mean, (0.5 * logvar).exp())
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(9))
    logits = model.decoder(mean + q.scale * noise)
    distortion = -Bernoulli(logits=logits).log_prob(images).sum(dim=(1, 2, 3))
    torch.testing.assert_close(found.distortion, distortion)
    torch.testing.assert_close(found.rate_per_dimension, kl_divergence(q, Normal(0.0, 1.0)))


def test_a_multi_rate_model_runs_each_image_at_its_own_beta():
    config = ModelConfig((1, 8, 8), latent_dim=3, beta_range=(0.1, 10.0))
    model = VAE.seeded(config, seed=4)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    betas = torch.tensor([0.1, 0.5, 3.0, 10.0])
    found = model.elbo_terms(images, torch.Generator().manual_seed(9), Condition(betas))
    for i, beta in enumerate(betas.tolist()):
        plain = model.at_beta(beta)
        alone = plain.encode(images[i : i + 1])
        torch.testing.assert_close(found.rate_per_dimension[i], alone.kl()[0])
        output = plain.decode(found.z[i : i + 1])
        distortion = model.likelihood.distortion(output, images[i : i + 1])
        torch.testing.assert_close(found.distortion[i], distortion[0])


def test_multi_rate_loss_weighs_each_image_by_its_own_beta(terms):
    betas = torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0, 10.0], dtype=torch.float64)
    rates = terms.rate_per_dimension.sum(dim=1)
    by_hand = sum(float(terms.distortion[i] + betas[i] * rates[i]) for i in range(6)) / 6
    assert float(multi_rate_loss(terms, betas)) == pytest.approx(by_hand, rel=1e-12)


def tc_terms() -> ElboTerms:
    generator = torch.Generator().manual_seed(3)
    mean, logvar, noise = (torch.randn(8, 3, generator=generator) for _ in range(3))
    posterior = Posterior(mean, logvar - 1)
    z = posterior.mean + torch.exp(0.5 * posterior.logvar) * noise
    return ElboTerms(torch.rand(8, generator=generator), posterior.kl(), posterior, z)


def test_beta_weighs_the_total_correlation_alone():
    terms = tc_terms()
    correlation = decompose_rate(terms.posterior, terms.z, 100, "stratified").total_correlation
    one, four = (float(beta_tcvae_loss(terms, beta, 100)) for beta in (1.0, 4.0))
    assert one == pytest.approx(float(beta_vae_loss(terms, 1.0)), rel=1e-5)
    assert four - one == pytest.approx(3 * float(correlation.mean()), rel=1e-4)


def test_the_loss_is_the_distortion_at_a_kl_scale_of_0():
    terms = tc_terms()
    assert float(beta_tcvae_loss(terms, 4.0, 100, kl_scale=0.0)) == float(terms.distortion.mean())


def test_the_kl_scale_rises_linearly_from_0_to_1():
    kl_scales = [warmup_kl_scale(step, 100) for step in (0, 25, 99, 100, 10**6)]
    assert kl_scales == pytest.approx([0.0, 0.25, 0.99, 1.0, 1.0])


def test_the_kl_scale_is_1_without_a_warm_up():
    assert warmup_kl_scale(0, 0) == 1.0


def test_a_warm_up_of_half_a_step_ends_with_that_step():
    assert [warmup_kl_scale(step, 0.5) for step in (0, 1)] == [0.0, 1.0]
