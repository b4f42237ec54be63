"""Noise on what an encoder sees in training, so that a model learns to undo it.

The denoising criterion of Im, Ahn, Memisevic and Bengio, "Denoising Criterion for Variational
Auto-Encoding Framework", 2017: the posterior is that of a corrupted image, the distortion that of
the clean one. Vincent et al. 2008 did the same with autoencoders.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def corrupted(
    images: Float[Tensor, "*shape"],
    deviation: float,
    noise: Float[Tensor, "*shape"],
) -> Float[Tensor, "*shape"]:
    """Pixels with normal noise of a standard deviation added, cut off at 0 and 1.

    `noise` is standard normal.
    """
    return torch.add(images, noise, alpha=deviation).clamp_(0, 1)
