"""Checks the arrays that people give an explorer and turns them into tensors.

Example:
    z = checked_codes([[0.0, 1.0]], latent_dim=2)
    x = image_tensor(images, (1, 28, 28), torch.device("cpu"))  # (n, 28, 28, 1) to (n, 1, 28, 28)
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from torch import Tensor

from vae.core.errors import ConfigError
from vae.models.condition import Condition

Images = Float[np.ndarray, "n h w c"]
Codes = Float[np.ndarray, "n latent"]


def checked_codes(z: ArrayLike, latent_dim: int) -> Codes:
    """Returns codes as float32; ConfigError unless they are finite and of shape (n, latent)."""
    codes = np.asarray(z, dtype=np.float32)
    if codes.ndim != 2 or codes.shape[1] != latent_dim or not np.isfinite(codes).all():
        raise ConfigError(
            f"codes must be finite numbers of shape (n, {latent_dim}), "
            f"not an array of shape {codes.shape}"
        )
    return codes


def image_tensor(
    images: ArrayLike, image_shape: tuple[int, int, int], device: torch.device
) -> Float[Tensor, "n c h w"]:
    """Returns images (n, h, w, c) as a tensor; ConfigError for another shape."""
    array = np.asarray(images, dtype=np.float32)
    channels, height, width = image_shape
    if array.ndim != 4 or array.shape[1:] != (height, width, channels):
        raise ConfigError(
            f"images must have shape (n, {height}, {width}, {channels}), not {array.shape}"
        )
    return torch.from_numpy(array.transpose(0, 3, 1, 2).copy()).to(device)


def image_array(images: Float[Tensor, "n c h w"]) -> Images:
    """Returns a tensor of images as an array (n, h, w, c)."""
    return images.cpu().numpy().transpose(0, 2, 3, 1)


def label_condition(labels: ArrayLike | None, device: torch.device) -> Condition:
    """Returns the condition that holds these labels, or nothing without labels."""
    if labels is None:
        return Condition()
    given: Int[np.ndarray, n] = np.asarray(labels, dtype=np.int64)
    return Condition(labels=torch.from_numpy(given).to(device))
