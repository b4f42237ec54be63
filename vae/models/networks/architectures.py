"""Builds encoders and decoders by architecture.

Every encoder maps images (batch, c, h, w) in [0, 1] to the numbers of their codes. For a VAE these
are (batch, 2 * latent): the means and then the log-variances, from one merged head. Every decoder
maps z (batch, latent) to the logits (batch, c, h, w) of the pixel means. Both are plain
`nn.Sequential`s, which the ONNX and the browser exporters can read. For a range of betas, any of
them gets gates (`vae.models.networks.gates`).

| name     | encoder                         | decoder                       |
|----------|---------------------------------|-------------------------------|
| mlp      | 784-400-latent                  | latent-400-784                |
| mlp-deep | 784-512-256-128-latent          | latent-128-256-512-784        |
| conv     | two stride-2 convolutions, 256  | 256, two stride-2 transposed  |
| conv-mlp | two stride-2 convolutions, 256  | latent-512-784                |
| resnet   | see `residual`: a flat code     | the same in reverse           |
| spatial  | see `residual`: a grid of codes | the same in reverse           |

Example:
    config = ModelConfig((1, 28, 28), latent_dim=2, architecture="conv")
    encoder, decoder = build_encoder(config, outputs=4), build_decoder(config)
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from vae.core.config import Architecture, ModelConfig
from vae.models.networks.residual import residual_decoder, residual_encoder

DENSE: tuple[Architecture, ...] = ("mlp", "mlp-deep")
"""The architectures of linear layers with ReLUs between them."""

CONVOLUTIONAL: tuple[Architecture, ...] = ("conv", "conv-mlp")
"""The architectures of linear layers and convolutions, with ReLUs between them."""

CONV_WIDTH = 256
"""Width of the linear layer next to the convolutions."""

SMALL_IMAGE_PIXELS = 256
"""Below this size the deep mlp drops its widest layer, which would exceed the image."""


def build_encoder(config: ModelConfig, outputs: int) -> nn.Sequential:
    """Builds a network from images (batch, c, h, w) to (batch, outputs)."""
    if config.architecture in CONVOLUTIONAL:
        return _conv_encoder(config, outputs)
    if config.architecture in ("resnet", "spatial"):
        return residual_encoder(config, outputs)
    widths = [math.prod(config.image_shape), *hidden_widths(config), outputs]
    return nn.Sequential(nn.Flatten(), *_dense(widths))


def build_decoder(config: ModelConfig) -> nn.Sequential:
    """Builds a network from codes (batch, latent) to logits (batch, c, h, w)."""
    if config.architecture == "conv":
        return _conv_decoder(config, config.latent_dim)
    if config.architecture in ("resnet", "spatial"):
        return residual_decoder(config)
    hidden = [512] if config.architecture == "conv-mlp" else list(reversed(hidden_widths(config)))
    widths = [config.latent_dim, *hidden, math.prod(config.image_shape)]
    return nn.Sequential(*_dense(widths), nn.Unflatten(1, config.image_shape))


def build_lowest_encoder(config: ModelConfig) -> tuple[nn.Sequential, int]:
    """Builds the encoder's layers up to the first features; returns also the features' number."""
    if config.architecture in CONVOLUTIONAL:
        return _conv_encoder(config, 1)[:-1], CONV_WIDTH
    width = hidden_widths(config)[0]
    return nn.Sequential(
        nn.Flatten(), *_dense([math.prod(config.image_shape), width]), _relu()
    ), width


def build_lowest_decoder(config: ModelConfig, inputs: int) -> nn.Sequential:
    """Builds the decoder's last layers, from (batch, inputs) to logits."""
    if config.architecture == "conv":
        return _conv_decoder(config, inputs)
    width = 512 if config.architecture == "conv-mlp" else hidden_widths(config)[0]
    widths = [inputs, width, math.prod(config.image_shape)]
    return nn.Sequential(*_dense(widths), nn.Unflatten(1, config.image_shape))


def build_hidden(widths: Sequence[int]) -> nn.Sequential:
    """Builds linear layers of these widths, each followed by a ReLU; the first is the input's."""
    return nn.Sequential(*_dense(widths), _relu())


def hidden_widths(config: ModelConfig) -> list[int]:
    """Returns the hidden widths of a dense architecture, from the image to the code."""
    if config.architecture == "mlp":
        return [400]
    small = math.prod(config.image_shape) < SMALL_IMAGE_PIXELS
    return [256, 128] if small else [512, 256, 128]


def _dense(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), _relu()]
    return layers[:-1]


def _relu() -> nn.ReLU:
    """Returns an in-place ReLU: nothing else reads the large outputs of convolutions."""
    return nn.ReLU(inplace=True)


def _conv_encoder(config: ModelConfig, outputs: int) -> nn.Sequential:
    channels, height, width = config.image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 32, 4, stride=2, padding=1),
        _relu(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        _relu(),
        nn.Flatten(),
        *_dense([64 * (height // 4) * (width // 4), CONV_WIDTH, outputs]),
    )


def _conv_decoder(config: ModelConfig, inputs: int) -> nn.Sequential:
    channels, height, width = config.image_shape
    coarse = (64, height // 4, width // 4)
    return nn.Sequential(
        *_dense([inputs, CONV_WIDTH, math.prod(coarse)]),
        _relu(),
        nn.Unflatten(1, coarse),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        _relu(),
        nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
    )
