"""Residual encoders and decoders, for colour and larger images.

He et al., "Identity Mappings in Deep Residual Networks", 2016: blocks that add to what they are
given, so that depth costs no gradient. No normalisation: the last layer of a fresh block is 0, so
that a fresh network is as shallow as its other layers (Zhang et al., "Fixup Initialization", 2019).

Images are halved twice by convolutions, to a quarter of each side. `resnet` reads a flat code from
what is left. `spatial` keeps the places: each has as many latent dimensions as the code has
channels, and the code is that grid, flattened channel by channel. It is the design of the
autoencoders that latent diffusion works in (Rombach et al. 2022, section 3.1, factor f = 4),
scaled down and without their adversarial loss.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.core.config import ModelConfig

WIDTHS = (32, 64)
"""Channels at half and at a quarter of the image's sides."""

DEPTH = {"resnet": 1, "spatial": 2}
"""Blocks at the coarse resolution, where most of the work is; by architecture."""


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions of x, each behind a SiLU."""

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
        """As many channels as went in."""
        return torch.add(signal, self.layers(signal))


def residual_encoder(config: ModelConfig, outputs: int) -> nn.Sequential:
    """Images (batch, c, h, w) to so many numbers each (batch, outputs)."""
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
        places = math.prod(_coarse_shape(config)[1:])
        return nn.Sequential(*shared, nn.Conv2d(coarse, outputs // places, 1), nn.Flatten())
    numbers = math.prod(_coarse_shape(config))
    return nn.Sequential(*shared, nn.Flatten(), nn.Linear(numbers, outputs))


def residual_decoder(config: ModelConfig) -> nn.Sequential:
    """Codes (batch, latent) to logits (batch, c, h, w)."""
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
