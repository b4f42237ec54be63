"""Adds noise to the images that an encoder reads in training, so that the model learns to undo it.

This is the denoising criterion of Im, Ahn, Memisevic and Bengio, "Denoising Criterion for
Variational Auto-Encoding Framework", 2017. The posterior is computed from the corrupted image, and
the distortion from the clean one. Vincent et al. 2008 did the same with autoencoders.

Example:
    >>> corrupted(torch.tensor([0.5, 1.0]), deviation=0.2, noise=torch.tensor([-1.0, 3.0]))
    tensor([0.3000, 1.0000])
"""

import torch
from jaxtyping import Float
from torch import Tensor


def corrupted(
    images: Float[Tensor, "*shape"],
    deviation: float,
    noise: Float[Tensor, "*shape"],
) -> Float[Tensor, "*shape"]:
    """Return images with `deviation` times standard normal `noise` added, clipped to [0, 1]."""
    return torch.add(images, noise, alpha=deviation).clamp_(0, 1)
