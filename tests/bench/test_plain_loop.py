"""The baselines of the benchmark do the same work as our code, with the same results."""

import torch

from vae.bench.contenders import MLP, dataset
from vae.bench.plain_loop import PlainLoop, plain_log_likelihood
from vae.core.config import ModelConfig
from vae.metrics.evaluation import log_likelihood
from vae.models.vae import VAE


def test_the_plain_loop_learns_and_goes_on_past_an_epoch():
    images = dataset().train.images[:100]
    loop = PlainLoop(MLP, images, 64, torch.device("cpu"))
    assert [loop.step() for _ in range(4)] == [64, 36, 64, 36]
    first = loop.total_loss
    for _ in range(4):
        loop.step()
    assert loop.total_loss - first < 0.8 * first


def test_the_plain_network_has_the_weights_of_ours():
    config = ModelConfig((1, 28, 28), 30, "conv-mlp")
    loop = PlainLoop(config, dataset().train.images[:4], 2, torch.device("cpu"))
    count = sum(p.numel() for p in loop._network.parameters())
    assert count == sum(p.numel() for p in VAE(config).parameters())


def test_plain_likelihoods_are_estimates_of_ours():
    """A new model's posterior is near the prior, so the estimates hardly vary."""
    model, images = VAE.seeded(MLP, 0), dataset().train.batch(torch.arange(3))
    ours = log_likelihood(model, images, 500, torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for at_once in (500, 1):
            plain = plain_log_likelihood(model, images, 500, at_once)
            torch.testing.assert_close(plain, ours, rtol=0, atol=0.6)
