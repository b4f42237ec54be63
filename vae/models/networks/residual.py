"""Builds residual encoders and decoders, for colour and for larger images.

He et al., "Identity Mappings in Deep Residual Networks", 2016: a block
adds to its input, so gradients pass through deep networks. There is no normalisation. The last
layer of a new block is 0, so a new block is the identity (Zhang et al., "Fixup Initialization",
2019).

Two convolutions reduce each side of the image to a quarter. `resnet` then computes a flat code.
`spatial` keeps the grid: each position has as many latent dimensions as the code has channels. The
code is that grid, flattened channel by channel. This is the design of the autoencoders of latent
diffusion (Rombach et al. 2022, section 3.1, factor f = 4), smaller and without adversarial loss.

Example:
    config = ModelConfig((3, 32, 32), latent_dim=128, architecture="resnet")
    encoder, decoder = residual_encoder(config, outputs=256), residual_decoder(config)
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.core.config import ModelConfig

WIDTHS = (32, 64)
"""Channels at half and at a quarter of the image's side lengths."""

DEPTH = {"resnet": 1, "spatial": 2}
"""Number of blocks at the coarse resolution, by architecture."""


class ResidualBlock(nn.Module):
    """Computes x plus two 3x3 convolutions of x, each preceded by a SiLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        last = self.layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(
        self, signal: Float[Tensor, "batch channels h w"]
    ) -> Float[Tensor, "batch channels h w"]:
        """Returns a signal of the same shape."""
        return torch.add(signal, self.layers(signal))


def residual_encoder(config: ModelConfig, outputs: int) -> nn.Sequential:
    """Builds a network from images (batch, c, h, w) to (batch, outputs)."""
    fine, coarse = WIDTHS
    shared = (
        nn.Conv2d(config.image_shape[0], fine, 4, stride=2, padding=1),
        ResidualBlock(fine),
        nn.SiLU(),
        nn.Conv2d(fine, coarse, 4, stride=2, padding=1),
        *_coarse_blocks(config),
        nn.SiLU(),
    )
    if config.architecture == "spatial":
        positions = math.prod(_coarse_shape(config)[1:])
        return nn.Sequential(*shared, nn.Conv2d(coarse, outputs // positions, 1), nn.Flatten())
    numbers = math.prod(_coarse_shape(config))
    return nn.Sequential(*shared, nn.Flatten(), nn.Linear(numbers, outputs))


def residual_decoder(config: ModelConfig) -> nn.Sequential:
    """Builds a network from codes (batch, latent) to logits (batch, c, h, w)."""
    fine, coarse = WIDTHS
    return nn.Sequential(
        *_coarse_from_code(config),
        *_coarse_blocks(config),
        nn.SiLU(),
        nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1),
        ResidualBlock(fine),
        nn.SiLU(),
        nn.ConvTranspose2d(fine, config.image_shape[0], 4, stride=2, padding=1),
    )


def _coarse_from_code(config: ModelConfig) -> list[nn.Module]:
    shape = _coarse_shape(config)
    if config.architecture == "spatial":
        code = config.latent_shape
        return [nn.Unflatten(1, code), nn.Conv2d(code[0], shape[0], 3, padding=1)]
    return [nn.Linear(config.latent_dim, math.prod(shape)), nn.Unflatten(1, shape)]


def _coarse_blocks(config: ModelConfig) -> list[nn.Module]:
    return [ResidualBlock(WIDTHS[1]) for _ in range(DEPTH[config.architecture])]


def _coarse_shape(config: ModelConfig) -> tuple[int, int, int]:
    height, width = config.image_shape[1:]
    return WIDTHS[1], height // 4, width // 4
