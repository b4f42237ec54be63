"""The baseline: training as in PyTorch's own VAE example, and log-likelihoods in a loop.

The training has a `DataLoader` over pictures with `ToTensor`, two heads for mean and log-variance,
a sigmoid and binary cross-entropy, Adam with its default settings, and `.item()` at every step.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from vae.core.config import ModelConfig
from vae.models.vae import VAE


class PlainLoop:
    """Trains a network of the same shape as `VAE(config)`."""

    def __init__(
        self,
        config: ModelConfig,
        images: UInt8[Tensor, "n 1 h w"],
        batch_size: int,
        device: torch.device,
    ) -> None:
        self._device = device
        self._network = _PlainVAE(config).to(device)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=1e-3)
        self._loader = DataLoader(_Pictures(images), batch_size=batch_size, shuffle=True)
        self._batches: Iterator[Tensor] = iter(self._loader)
        self.total_loss = 0.0

    def step(self) -> int:
        """Take one training step; return the number of images."""
        images = self._next().to(self._device)
        self._optimiser.zero_grad()
        means, mean, logvar = self._network(images)
        distortion = F.binary_cross_entropy(means, images, reduction="sum")
        rate = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
        loss = distortion + rate
        loss.backward()
        self.total_loss += loss.item()
        self._optimiser.step()
        return len(images)

    def _next(self) -> Float[Tensor, "batch 1 h w"]:
        try:
            return next(self._batches)
        except StopIteration:
            self._batches = iter(self._loader)
            return next(self._batches)


class _Pictures(TorchDataset[Tensor]):
    """The images as PIL images, each converted by torchvision when it is read."""

    def __init__(self, images: UInt8[Tensor, "n 1 h w"]) -> None:
        from torchvision.transforms import ToTensor

        self._images, self._transform = images, ToTensor()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Float[Tensor, "1 h w"]:
        return self._transform(Image.fromarray(self._images[index, 0].numpy()))


class _PlainVAE(nn.Module):
    """A VAE with two heads and a sigmoid, with as many weights as `VAE(config)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        model = VAE(config)
        *body, head = model.encoder
        assert isinstance(head, nn.Linear)
        self.body = nn.Sequential(*body)
        self.mean = nn.Linear(head.in_features, config.latent_dim)
        self.logvar = nn.Linear(head.in_features, config.latent_dim)
        self.decoder = model.decoder

    def forward(self, images: Float[Tensor, "batch 1 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.body(images)
        mean, logvar = self.mean(hidden), self.logvar(hidden)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(logvar)
        return torch.sigmoid(self.decoder(z)), mean, logvar


@torch.inference_mode()
def plain_log_likelihood(
    model: VAE, images: Float[Tensor, "n c h w"], samples: int, at_once: int
) -> Float[Tensor, "n"]:
    """Return each image's log-likelihood, estimated with torch.distributions image by image.

    `at_once` samples of an image are decoded together.
    """
    estimates = []
    for image in images:
        q = model.encode(image[None])
        posterior = torch.distributions.Normal(q.mean[0], torch.exp(0.5 * q.logvar[0]))
        parts = [_log_weights(model, image, posterior, at_once) for _ in range(samples // at_once)]
        estimates.append(torch.logsumexp(torch.cat(parts), dim=0) - math.log(samples))
    return torch.stack(estimates)


def _log_weights(
    model: VAE, image: Float[Tensor, "c h w"], posterior: torch.distributions.Normal, count: int
) -> Float[Tensor, "count"]:
    """Return log p(x, z) - log q(z|x) of `count` samples."""
    z = posterior.sample((count,))
    pixels = torch.distributions.Bernoulli(logits=model.decode(z), validate_args=False)
    prior = torch.distributions.Normal(torch.zeros_like(z), 1.0)
    return (
        pixels.log_prob(image).flatten(1).sum(dim=1)
        + prior.log_prob(z).sum(dim=1)
        - posterior.log_prob(z).sum(dim=1)
    )
