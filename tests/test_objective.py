"""The ELBO's terms and the loss, against loops written out by hand."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae.config import ModelConfig
from vae.model import VAE
from vae.objective import ElboTerms, elbo_terms, training_loss, warmed_up_beta


@pytest.fixture
def terms() -> ElboTerms:
    generator = torch.Generator().manual_seed(0)
    return ElboTerms(
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
    found = float(training_loss(terms, beta, free_bits))
    assert found == pytest.approx(loss_by_hand(terms, beta, free_bits), rel=1e-12)


def test_free_bits_take_the_gradient_from_dimensions_below_them():
    rates = torch.tensor([[0.1, 2.0], [0.3, 3.0]], requires_grad=True)
    training_loss(ElboTerms(torch.zeros(2), rates), beta=4.0, free_bits=0.5).backward()
    assert rates.grad is not None
    assert torch.equal(rates.grad, torch.tensor([[0.0, 2.0], [0.0, 2.0]]))


def test_free_bits_go_by_the_batch_mean_and_not_by_the_image():
    rates = torch.tensor([[0.0], [1.0]])
    loss = training_loss(ElboTerms(torch.zeros(2), rates), beta=1.0, free_bits=0.5)
    assert float(loss) == pytest.approx(0.5)


def test_elbo_is_minus_distortion_minus_rate_whatever_beta(terms):
    torch.testing.assert_close(terms.rate, terms.rate_per_dimension.sum(dim=1))
    torch.testing.assert_close(terms.elbo, -terms.distortion - terms.rate_per_dimension.sum(dim=1))


def test_terms_agree_with_torch_distributions():
    model = VAE.seeded(ModelConfig((1, 8, 8), latent_dim=3), seed=4)
    images = (torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    found = elbo_terms(model, images, torch.Generator().manual_seed(9))

    mean, logvar = model.encoder(images).split(3, dim=1)
    q = Normal(mean, (0.5 * logvar).exp())
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(9))
    logits = model.decoder(mean + q.scale * noise)
    distortion = -Bernoulli(logits=logits).log_prob(images).sum(dim=(1, 2, 3))
    torch.testing.assert_close(found.distortion, distortion)
    torch.testing.assert_close(found.rate_per_dimension, kl_divergence(q, Normal(0.0, 1.0)))


def test_beta_rises_linearly_from_zero_and_stays():
    assert warmed_up_beta(4.0, 0, 100) == 0.0
    assert warmed_up_beta(4.0, 25, 100) == pytest.approx(1.0)
    assert warmed_up_beta(4.0, 99, 100) == pytest.approx(3.96)
    assert warmed_up_beta(4.0, 100, 100) == 4.0
    assert warmed_up_beta(4.0, 10**6, 100) == 4.0


def test_without_warm_up_beta_is_whole_from_the_first_step():
    assert warmed_up_beta(4.0, 0, 0) == 4.0


def test_warm_up_over_part_of_a_step_is_over_after_it():
    assert warmed_up_beta(2.0, 0, 0.5) == 0.0
    assert warmed_up_beta(2.0, 1, 0.5) == 2.0
