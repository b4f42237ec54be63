"""Rate, samples and likelihood of the hierarchical VAE agree with torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vae.core.config import ModelConfig
from vae.core.errors import ConfigError, UnsupportedNetwork
from vae.explorer import Explorer
from vae.metrics.evaluation import log_likelihood
from vae.models.build import build_seeded
from vae.models.ladder import LadderVAE
from vae.viewer.pack import pack_decoder

CONFIG = ModelConfig((1, 8, 8), 6, kind="ladder", levels=(1, 2, 3))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def a_ladder(config: ModelConfig = CONFIG) -> LadderVAE:
    """Returns a ladder whose lower priors and posteriors are far from standard."""
    model = build_seeded(config, 1)
    assert isinstance(model, LadderVAE)
    for layer in (*model.heads, *model.top_down.priors):
        torch.nn.init.normal_(layer.weight, std=0.3, generator=generator(2))
        torch.nn.init.normal_(layer.bias, std=0.3, generator=generator(3))
    return model.requires_grad_(False)


def in_z(model: LadderVAE, u: torch.Tensor, posterior) -> list[tuple]:
    """Returns q(z_l|x, z above), p(z_l|z above) and z_l of each level, for the sample u."""
    found, state = [], None
    sizes = model.config.levels
    tensors = (u, posterior.mean, posterior.logvar)
    parts = zip(*(tensor.split(sizes, 1) for tensor in tensors), strict=True)
    for level, (noise, mean, logvar) in enumerate(parts):
        prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
        if level:
            prior_mean, prior_logvar = model.top_down.prior(level, state)
            prior = Normal(prior_mean, (0.5 * prior_logvar).exp())
        scale = (0.5 * logvar).exp()
        q = Normal(prior.mean + prior.stddev * mean, prior.stddev * scale)
        z = prior.mean + prior.stddev * noise
        found.append((q, prior, z))
        inputs = z if state is None else torch.cat([z, state], 1)
        state = model.top_down.blocks[level](inputs)
    return found


@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv", "conv-mlp"])
def test_the_rate_of_each_level_is_the_kl_between_its_posterior_and_its_prior(architecture):
    model = a_ladder(ModelConfig((1, 8, 8), 6, architecture, kind="ladder", levels=(1, 2, 3)))
    terms = model.elbo_terms(torch.rand(5, 1, 8, 8, generator=generator()), generator(4))
    rates = terms.rate_per_dimension.split(CONFIG.levels, 1)
    for (q, prior, _), rate in zip(in_z(model, terms.z, terms.posterior), rates, strict=True):
        torch.testing.assert_close(rate, kl_divergence(q, prior), rtol=1e-4, atol=1e-5)


def test_terms_sample_from_the_top_down_and_decode_the_sample():
    model, images = a_ladder(), torch.rand(5, 1, 8, 8, generator=generator())
    noise = torch.randn(5, 6, generator=generator(4))
    terms = model.elbo_terms(images, noise)
    expected = terms.posterior.mean + (0.5 * terms.posterior.logvar).exp() * noise
    torch.testing.assert_close(terms.z, expected)
    distortion = model.likelihood.distortion(model.decode(terms.z), images)
    torch.testing.assert_close(terms.distortion, distortion)
    other = model.elbo_terms(images, torch.cat([noise[:, :1] + 1, noise[:, 1:]], 1))
    torch.testing.assert_close(other.posterior.mean[:, :1], terms.posterior.mean[:, :1])
    assert not torch.allclose(other.posterior.mean[:, 1:], terms.posterior.mean[:, 1:])


def test_without_noise_the_levels_below_are_given_the_means_above():
    model, images = a_ladder(), torch.rand(5, 1, 8, 8, generator=generator())
    terms = model.elbo_terms(images, torch.zeros(5, 6))
    torch.testing.assert_close(model.encode(images).mean, terms.posterior.mean)
    torch.testing.assert_close(model.encode(images).mean, terms.z)


def test_encoding_with_terms_gives_both_from_one_pass_over_the_image():
    model, images = a_ladder(), torch.rand(5, 1, 8, 8, generator=generator())
    runs = []
    model.encoder[0].register_forward_hook(lambda *_: runs.append(1))
    posterior, terms = model.encode_with_terms(images, generator(4))
    assert len(runs) == 1
    torch.testing.assert_close(posterior.mean, model.encode(images).mean)
    torch.testing.assert_close(terms.elbo, model.elbo_terms(images, generator(4)).elbo)


def test_importance_weights_equal_those_of_the_joint_in_z():
    """log p(z) - log q(z|x) is the same in z as in noise coordinates: the Jacobians cancel."""
    model, images = a_ladder(), torch.rand(4, 1, 8, 8, generator=generator())
    u, weights = model.importance_sampler(images)(3, generator(5))
    noise = torch.randn(12, 6, generator=generator(5))
    terms = model.elbo_terms(images.repeat(3, 1, 1, 1), noise)
    torch.testing.assert_close(u, terms.z)
    expected = sum(
        Independent(prior, 1).log_prob(z) - Independent(q, 1).log_prob(z)
        for q, prior, z in in_z(model, terms.z, terms.posterior)
    )
    torch.testing.assert_close(weights, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_importance_weighted_estimate_agrees_with_numerical_integration():
    """A fine grid gives the log of the integral of p(x|z) p(z) over both levels' z."""
    model = a_ladder(ModelConfig((1, 4, 4), 2, kind="ladder", levels=(1, 1)))
    model.top_down.blocks[-1][-2].weight.mul_(4)
    images = torch.rand(3, 1, 4, 4, generator=generator())
    line = torch.linspace(-7, 7, 281)
    step = float(line[1] - line[0])
    top, noise = torch.meshgrid(line, line, indexing="ij")
    top, noise = top.reshape(-1, 1), noise.reshape(-1, 1)
    mean, logvar = model.top_down.prior(1, model.top_down.blocks[0](top))
    z = mean + (0.5 * logvar).exp() * noise
    # The measure of z is that of the noise times its standard deviation.
    log_prior = Normal(0, 1).log_prob(top) + Normal(mean, (0.5 * logvar).exp()).log_prob(z)
    log_measure = log_prior + 0.5 * logvar + 2 * math.log(step)
    logits = model.top_down.state(1, model.top_down.blocks[0](top), noise)
    joint = torch.stack(
        [
            log_measure[:, 0] - model.likelihood.distortion(logits, image.expand_as(logits))
            for image in images
        ]
    )
    found = log_likelihood(model, images, 20_000, generator())
    torch.testing.assert_close(found, torch.logsumexp(joint, 1), atol=0.05, rtol=0)
    elbo = torch.stack([model.elbo_terms(images, generator(s)).elbo for s in range(50)]).mean(0)
    assert (found > elbo + 0.1).all()


def test_levels_take_the_architectures_hidden_layers_in_turn():
    deep = ModelConfig((1, 28, 28), 8, "mlp-deep", kind="ladder", levels=(2, 2, 4))
    model = build_seeded(deep, 0)
    widths = [stage[-2].out_features for stage in model.encoder]
    assert widths == [512, 256, 128]
    assert [block[0].out_features for block in model.top_down.blocks] == [128, 256, 512]


def test_a_ladder_costs_about_as_many_weights_as_the_flat_model():
    def count(**settings) -> int:
        model = build_seeded(ModelConfig((1, 28, 28), 30, "mlp-deep", **settings), 0)
        return sum(p.numel() for p in model.parameters())

    assert count(kind="ladder", levels=(10, 20)) == pytest.approx(count(), rel=0.05)


@pytest.mark.parametrize("levels", [(), (6,), (2, 3), (0, 6), (7, -1), (1,) * 6, "6"])
def test_impossible_levels_are_refused(levels):
    with pytest.raises(ConfigError, match="add up to"):
        ModelConfig((1, 8, 8), 6, kind="ladder", levels=levels)


def test_only_a_ladder_has_levels():
    with pytest.raises(ConfigError, match="levels go with the kind ladder"):
        ModelConfig((1, 8, 8), 6, levels=(2, 4))


def test_the_browser_refuses_a_ladder(tmp_path, train_into):
    path = train_into(tmp_path / "l", 5, kind="ladder", levels=(2, 3), epochs=1)
    explorer = Explorer.open(path)
    with pytest.raises(UnsupportedNetwork, match="TopDown"):
        pack_decoder(explorer)
    assert explorer.decode(explorer.atlas.mean[:3]).shape == (3, 8, 8, 1)
