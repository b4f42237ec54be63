"""Encoders and decoders of every architecture have the right shapes and sizes."""

from typing import get_args

import pytest
import torch
from torch import nn

from vae.core.config import Architecture, ModelConfig
from vae.core.errors import ConfigError
from vae.models.networks.architectures import build_decoder, build_encoder

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


def widths(network: nn.Sequential) -> list[int]:
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("architecture", get_args(Architecture))
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_every_architecture(architecture, shape):
    # A spatial code has at least one channel for each grid cell.
    latent = 2 * (shape[1] // 4) * (shape[2] // 4) if architecture == "spatial" else 5
    config = ModelConfig(shape, latent, architecture)
    encoded = build_encoder(config, 2 * latent)(torch.zeros(3, *shape))
    decoded = build_decoder(config)(torch.zeros(3, latent))
    assert encoded.shape == (3, 2 * latent)
    assert decoded.shape == (3, *shape)


@pytest.mark.parametrize("architecture", ["conv", "conv-mlp"])
def test_convolutions_take_images_that_are_not_square(architecture):
    config = ModelConfig((1, 12, 20), latent_dim=2, architecture=architecture)
    assert build_encoder(config, 4)(torch.zeros(1, 1, 12, 20)).shape == (1, 4)
    assert build_decoder(config)(torch.zeros(1, 2)).shape == (1, 1, 12, 20)


@pytest.mark.parametrize("architecture", ["conv", "conv-mlp"])
def test_convolutions_refuse_sides_that_cannot_be_halved_twice(architecture):
    with pytest.raises(ConfigError, match="multiples of 4, but the image is 30x28"):
        ModelConfig((1, 30, 28), architecture=architecture)


@pytest.mark.parametrize("latent", [2, 20])
def test_mlp_is_784_400_latent_400_784_with_a_merged_head(latent):
    config = ModelConfig((1, 28, 28), latent_dim=latent, architecture="mlp")
    encoder, decoder = build_encoder(config, 2 * latent), build_decoder(config)
    assert widths(encoder) == [784, 400, 2 * latent]
    assert widths(decoder) == [latent, 400, 784]
    assert parameters(encoder) == 784 * 400 + 400 + 400 * 2 * latent + 2 * latent
    assert parameters(decoder) == latent * 400 + 400 + 400 * 784 + 784
    assert sum(isinstance(layer, nn.ReLU) for layer in [*encoder, *decoder]) == 2


def test_mlp_deep_is_784_512_256_128_latent_and_back():
    config = ModelConfig((1, 28, 28), latent_dim=2, architecture="mlp-deep")
    assert widths(build_encoder(config, 4)) == [784, 512, 256, 128, 4]
    assert widths(build_decoder(config)) == [2, 128, 256, 512, 784]


def test_mlp_deep_does_not_widen_small_images():
    config = ModelConfig((1, 8, 8), latent_dim=2, architecture="mlp-deep")
    assert widths(build_encoder(config, 4)) == [64, 256, 128, 4]
    assert widths(build_decoder(config)) == [2, 128, 256, 64]


def test_the_tutorial_model_has_a_convolutional_encoder_and_a_512_784_decoder():
    config = ModelConfig((1, 28, 28), latent_dim=30, architecture="conv-mlp")
    assert sum(isinstance(layer, nn.Conv2d) for layer in build_encoder(config, 4)) == 2
    assert widths(build_decoder(config)) == [30, 512, 784]
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in build_decoder(config))


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_no_activation_bounds_the_output(architecture):
    """The posterior's parameters and the logits must reach every real number."""
    config = ModelConfig((1, 8, 8), latent_dim=4, architecture=architecture)
    for network in (build_encoder(config, 8), build_decoder(config)):
        last = [m for m in network if not isinstance(m, nn.Flatten | nn.Unflatten)][-1]
        assert isinstance(last, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
