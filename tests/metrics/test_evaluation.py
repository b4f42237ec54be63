"""Evaluation keeps its bounds, agrees with other computations, and advises on collapse."""

import math

import numpy as np
import pytest
import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.data.splits import Split
from vae.metrics.evaluation import (
    BATCH,
    Evaluation,
    encode_split,
    evaluate,
    explain_collapse,
    log_likelihood,
    mean_log_likelihood,
)
from vae.models.vae import VAE
from vae.runs.checkpoint import load_model, load_run


@pytest.fixture(scope="module")
def trained(tiny_checkpoint) -> VAE:
    return load_model(load_run(tiny_checkpoint))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_elbo_is_below_the_importance_weighted_bound_which_rises(trained, digits):
    test = digits.test
    elbo = evaluate(trained, test).elbo
    one, few, many = (list(mean_log_likelihood(trained, test, k))[-1] for k in (1, 5, 50))
    assert one == pytest.approx(elbo, abs=0.5)
    assert elbo + 0.1 < few < many


def test_the_importance_weighted_estimate_agrees_with_numerical_integration():
    """The grid gives the log of the integral of p(x|z) p(z) over one latent dimension."""
    model = VAE.seeded(ModelConfig((1, 4, 4), latent_dim=1), seed=3).requires_grad_(False)
    model.decoder[0].weight.mul_(2)
    model.decoder[-2].weight.mul_(8)
    images = torch.rand(3, 1, 4, 4, generator=generator())

    z = torch.linspace(-8, 8, 4001)
    log_joint = torch.stack(
        [
            -model.likelihood.distortion(model.decode(z[:, None]), image.expand(len(z), 1, 4, 4))
            for image in images
        ]
    ) - 0.5 * (z**2 + math.log(2 * math.pi))
    exact = torch.logsumexp(log_joint, dim=1) + math.log(float(z[1] - z[0]))

    found = log_likelihood(model, images, 4000, generator())
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0)
    flat = log_joint.exp().amax(dim=1) / log_joint.exp().amin(dim=1)
    assert (flat > 100).all(), "the case must not be one where z makes no difference"


def test_the_estimate_is_exact_with_one_sample_where_the_posterior_is():
    """The decoder ignores z and the encoder gives the prior, so log p(x) = -distortion."""
    model = VAE.seeded(ModelConfig((1, 4, 4), latent_dim=2), seed=0).requires_grad_(False)
    for layer in (model.encoder[-1], model.decoder[-2]):
        layer.weight.zero_()
        layer.bias.zero_()
    images = torch.rand(5, 1, 4, 4, generator=generator())
    found = log_likelihood(model, images, 1, generator())
    torch.testing.assert_close(found, torch.full((5,), -16 * math.log(2)))


def test_evaluation_weighs_every_image_alike_across_batches(trained, digits):
    split = digits.train
    assert len(split) > BATCH
    assert len(split) % BATCH
    found, posterior = evaluate(trained, split), encode_split(trained, split)
    whole = trained.encode(split.batch(torch.arange(len(split))))
    torch.testing.assert_close(posterior.mean, whole.mean)
    torch.testing.assert_close(posterior.logvar, whole.logvar)
    rates = posterior.kl().double().mean(dim=0)
    assert found.rate_per_dimension == pytest.approx(rates.tolist(), rel=1e-5)
    assert found.rate == pytest.approx(float(rates.sum()), rel=1e-5)
    variances = np.var(posterior.mean.numpy().astype(np.float64), axis=0)
    assert found.mean_variances == pytest.approx(variances.tolist(), rel=1e-5)


def test_evaluation_s_distortion_is_the_mean_over_images(trained, digits):
    """With batches of 500, 500 and 20 images, an average of averages would differ."""
    split = digits.train.head(2 * BATCH + 20)
    noise = generator(5)
    total = 0.0
    for start in range(0, len(split), BATCH):
        images = split.batch(torch.arange(start, min(start + BATCH, len(split))))
        output = trained.decode(trained.encode(images).sample(noise))
        total += float(trained.likelihood.distortion(output, images).sum())
    assert evaluate(trained, split, seed=5).distortion == pytest.approx(total / len(split))


def test_evaluation_is_repeatable_and_depends_on_its_seed(trained, digits):
    assert evaluate(trained, digits.test, 1) == evaluate(trained, digits.test, 1)
    other = evaluate(trained, digits.test, 2)
    assert evaluate(trained, digits.test, 1).distortion != other.distortion


def test_the_mean_log_likelihood_is_over_the_whole_split(trained, digits):
    split = digits.train.head(BATCH + 100)
    running = list(mean_log_likelihood(trained, split, 2, seed=4))
    noise = generator(4)
    parts = [
        log_likelihood(trained, split.batch(torch.arange(a, b)), 2, noise)
        for a, b in ((0, BATCH), (BATCH, BATCH + 100))
    ]
    assert running == pytest.approx([float(parts[0].mean()), float(torch.cat(parts).mean())])


def test_active_units_agree_with_values_by_hand():
    found = Evaluation(80.0, (0.0, 2.0, 0.5), mean_variances=(0.01, 0.010001, 3.0))
    assert found.inactive == (0,)
    assert found.active_units == 2
    assert found.elbo == pytest.approx(-82.5)


def test_a_dimension_that_never_varies_is_inactive_however_far_from_zero():
    model = VAE.seeded(ModelConfig((1, 4, 4), latent_dim=2), seed=0).requires_grad_(False)
    model.encoder[-1].weight[0].zero_()
    model.encoder[-1].bias[0] = 7.0
    model.encoder[-1].weight[1].mul_(20)
    pixels = torch.randint(0, 256, (40, 1, 4, 4), generator=generator()).to(torch.uint8)
    found = evaluate(model, Split(pixels, torch.zeros(40, dtype=torch.int64)))
    assert found.rate_per_dimension[0] > 20
    assert found.inactive == (0,)


def test_no_explanation_without_collapse():
    assert explain_collapse((), 4, TrainConfig("digits")) is None


def test_partial_collapse_names_the_dimensions_counted_from_one():
    message = explain_collapse((1, 3), 4, TrainConfig("digits", beta=4.0))
    assert message is not None
    assert "2 of 4 latent dimensions" in message
    assert "(z2, z4)" in message
    assert "lower beta (now 4)" in message
    assert "\n" not in message


def test_many_inactive_dimensions_are_cut_short():
    message = explain_collapse(tuple(range(30)), 40, TrainConfig("digits"))
    assert message is not None
    assert "z12 …" in message
    assert "z13" not in message


def test_advice_leaves_out_what_is_done_already():
    config = TrainConfig("digits", beta=1.0, warmup_epochs=2.0, free_bits=0.1)
    message = explain_collapse((0, 1), 2, config)
    assert message is not None
    assert "all 2 latent dimensions" in message
    assert not any(word in message for word in ("lower beta", "warm up", "free bits"))
    assert "fewer latent dimensions" in message
    plain = explain_collapse((0, 1), 2, TrainConfig("digits", beta=1.0))
    assert plain is not None
    assert all(word in plain for word in ("warm up", "free bits"))
