"""The VQ-VAE finds nearest codes, has the right gradients and rate, and revives codes."""

import math

import numpy as np
import pytest
import torch

from vae.core.config import ModelConfig
from vae.core.errors import ConfigError, UnsupportedNetwork
from vae.explorer import Explorer
from vae.metrics.evaluation import evaluate, log_likelihood
from vae.models.build import build_seeded
from vae.models.vq import QuantisedVAE
from vae.viewer.pack import pack_decoder

CONFIG = ModelConfig((1, 8, 8), 12, "conv", kind="vq", codebook=10)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=generator(1))


def a_model(config: ModelConfig = CONFIG) -> QuantisedVAE:
    model = build_seeded(config, 0)
    assert isinstance(model, QuantisedVAE)
    return model


def test_each_position_takes_the_nearest_code():
    model, z = a_model(), torch.randn(6, 12, generator=generator())
    found = model.indices(z).numpy()
    codes = model.codes.detach().numpy()
    # z is (vector, row, column) of each image.
    places = z.numpy().reshape(6, 3, 2, 2)
    for image in range(6):
        for place in range(4):
            vector = places[image, :, place // 2, place % 2]
            nearest = np.argmin([np.linalg.norm(vector - code) for code in codes])
            assert found[image, place] == nearest
            chosen = model.vectors(model.indices(z)).detach().numpy().reshape(6, 3, 2, 2)
            assert chosen[image, :, place // 2, place % 2] == pytest.approx(codes[nearest])


def test_the_gradient_of_the_encoder_is_the_decoders_at_the_codes():
    """Finite differences of the distortion around the chosen vectors give the gradient."""
    model, images = a_model().double(), some_images(2).double()
    encoded = model.encoder(images).detach()
    last = model.encoder[-2]
    z = model.vectors(model.indices(encoded)).detach()

    def distortion(z: torch.Tensor) -> torch.Tensor:
        return model.likelihood.distortion(model.decoder(z), images)

    def numerical(i: int, step: float = 1e-4) -> torch.Tensor:
        up, down = z.clone(), z.clone()
        up[:, i] += step
        down[:, i] -= step
        return (distortion(up) - distortion(down)) / (2 * step)

    by_code = torch.stack([numerical(i).detach() for i in range(12)], dim=1)
    # The bias of the last layer shifts all positions of its channel equally.
    expected = by_code.unflatten(1, (3, 4)).sum(dim=(0, 2))
    commitment = 0.25 * 2 * (encoded - z).unflatten(1, (3, 4)).sum(dim=(0, 2))
    model._encoded = lambda given: model.encoder(given)  # type: ignore[method-assign]
    terms = model.elbo_terms(images, generator())
    terms.distortion.sum().backward(retain_graph=True)
    through = last.bias.grad.clone()
    torch.testing.assert_close(through, expected, rtol=1e-4, atol=1e-5)
    terms.penalty.sum().backward()
    torch.testing.assert_close(last.bias.grad - through, commitment, rtol=1e-6, atol=1e-8)
    assert model.codes.grad is not None


def test_the_codebooks_gradient_pulls_codes_to_their_vectors_and_unused_ones_to_the_nearest():
    model, images = a_model(), some_images(3)
    encoded = model._encoded(images).detach()
    vectors = encoded.unflatten(1, (3, 4)).transpose(1, 2).flatten(0, 1)
    chosen = model.indices(encoded).flatten()
    model.elbo_terms(images, generator()).penalty.sum().backward()
    codes = model.codes.detach()
    assert len(chosen.unique()) < 10, "some code must be unused"
    for index, code in enumerate(codes):
        mine = vectors[chosen == index]
        if len(mine):
            expected = 2 * (code - mine).sum(dim=0)
        else:
            nearest = vectors[(vectors - code).square().sum(dim=1).argmin()]
            expected = 3 * 0.25 * 2 * (code - nearest)
        torch.testing.assert_close(model.codes.grad[index], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_an_unused_code_comes_to_be_used(digits):
    """The code starts far away; without the revival loss it would have no gradient."""
    model = a_model()
    with torch.no_grad():
        model.codes += 1.5
        model.codes[0] = 0
    images = digits.train.batch(torch.arange(256))
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(250):
        optimiser.zero_grad()
        terms = model.elbo_terms(images, generator())
        (terms.distortion + terms.penalty).mean().backward()
        optimiser.step()
    assert len(model.indices(model.encode(images).mean).unique()) > 5


def test_minus_distortion_and_rate_is_a_bound_of_the_discrete_model():
    """Sums over every grid of 2 codes at 4 positions give log p(x)."""
    model = a_model(ModelConfig((1, 8, 8), 4, "conv", kind="vq", codebook=2)).requires_grad_(False)
    images = some_images(3)
    grids = torch.cartesian_prod(*[torch.arange(2)] * 4)
    logits = model.decode(model.vectors(grids))
    joint = [
        -model.likelihood.distortion(logits, image.expand_as(logits)) - 4 * math.log(2)
        for image in images
    ]
    exact = torch.stack([torch.logsumexp(j, 0) for j in joint])
    terms = model.elbo_terms(images, generator())
    assert torch.allclose(terms.rate, torch.full((3,), 4 * math.log(2)))
    assert (terms.elbo <= exact + 1e-5).all()
    assert (terms.elbo >= torch.stack(joint).min()).all()
    found = log_likelihood(model, images, 7, generator())
    torch.testing.assert_close(found, terms.elbo)


def test_noise_becomes_codes_of_the_uniform_prior():
    model = a_model().requires_grad_(False)
    z = model.prior_sample(torch.randn(5000, 12, generator=generator()))
    counts = torch.bincount(model.indices(z).flatten(), minlength=10) / 20_000
    torch.testing.assert_close(counts, torch.full((10,), 0.1), atol=0.01, rtol=0)
    torch.testing.assert_close(model.vectors(model.indices(z)), z)


def test_the_codes_of_a_checkpoint_are_those_of_its_atlas(tmp_path, train_into, digits):
    path = train_into(
        tmp_path / "vq", 12, "conv", kind="vq", codebook=16, epochs=3, storage="float16"
    )
    explorer = Explorer.open(path)
    images = digits.test.images[:20].numpy().transpose(0, 2, 3, 1) / np.float32(255)
    assert explorer.encode(images)[0] == pytest.approx(explorer.atlas.mean[:20], abs=1e-6)
    results = explorer.run.results
    assert results.test_rate == pytest.approx(4 * math.log(16), rel=1e-5)
    found = evaluate(explorer.model, digits.test)
    assert found.rate == pytest.approx(results.test_rate, rel=1e-6)
    assert explorer.sample(3, seed=0).shape == (3, 8, 8, 1)
    between = 0.5 * (explorer.atlas.mean[:1] + explorer.atlas.mean[1:2])
    nearest = explorer.codes_from_grids(explorer.code_grids(between))
    assert explorer.decode(between) == pytest.approx(explorer.decode(nearest), abs=1e-6)
    with pytest.raises(UnsupportedNetwork, match="codebook"):
        pack_decoder(explorer)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"architecture": "mlp"}, "architecture is one of conv, spatial"),
        ({"latent_dim": 13}, "multiple of"),
        ({"codebook": 1}, "codebook must be"),
        ({"codebook": 5000}, "codebook must be"),
        ({"kind": "vae"}, "codebook must be"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    values = {"image_shape": (1, 8, 8), "latent_dim": 12, "architecture": "conv"}
    values |= {"kind": "vq", "codebook": 10}
    with pytest.raises(ConfigError, match=words):
        ModelConfig(**(values | settings))
