"""The VAE combines its parts correctly, and its seed decides the initial weights."""

import pytest
import torch

from vae.core.config import ModelConfig
from vae.models.posterior import LOGVAR_LIMIT
from vae.models.vae import VAE

CONFIG = ModelConfig((1, 8, 8), latent_dim=3)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def equal_weights(first: VAE, second: VAE) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(1)
    first = VAE.seeded(CONFIG, seed=7)
    torch.manual_seed(2)
    assert equal_weights(first, VAE.seeded(CONFIG, seed=7))
    assert not equal_weights(first, VAE.seeded(CONFIG, seed=8))


def test_seeding_leaves_torch_s_own_random_state_alone():
    before = torch.get_rng_state()
    VAE.seeded(CONFIG, seed=7)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_head_s_first_half_is_the_mean_and_its_second_the_log_variance(images):
    model = VAE.seeded(CONFIG, seed=0)
    head = model.encoder[-1]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([1.0, 2.0, 3.0, -1.0, -2.0, -3.0]))
    posterior = model.encode(images)
    assert torch.equal(posterior.mean, torch.tensor([[1.0, 2.0, 3.0]]).repeat(4, 1))
    assert torch.equal(posterior.logvar, torch.tensor([[-1.0, -2.0, -3.0]]).repeat(4, 1))


def test_encode_clamps_the_log_variance(images):
    model = VAE.seeded(CONFIG, seed=0)
    with torch.no_grad():
        model.encoder[-1].bias[3:] = torch.tensor([1e5, -1e5, 0.0])
    logvar = model.encode(images).logvar
    assert (logvar[:, 0] == LOGVAR_LIMIT).all()
    assert (logvar[:, 1] == -LOGVAR_LIMIT).all()


def test_decode_gives_logits_and_decode_mean_their_pixels():
    model = VAE.seeded(CONFIG, seed=0)
    z = 5 * torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    logits, pixels = model.decode(z), model.decode_mean(z)
    assert logits.min() < 0
    torch.testing.assert_close(pixels, 1 / (1 + torch.exp(-logits)))


def test_images_in_a_batch_do_not_affect_each_other(images):
    model = VAE.seeded(ModelConfig((1, 8, 8), latent_dim=3, architecture="conv"), seed=0)
    together, alone = model.encode(images), model.encode(images[2:3])
    torch.testing.assert_close(together.mean[2:3], alone.mean)
    torch.testing.assert_close(together.logvar[2:3], alone.logvar)
