"""The perceptual loss: how far an image is from its reconstruction in a classifier's eyes.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
2016; Hou et al., "Deep Feature Consistent Variational Autoencoder", 2017. Theirs is VGG-19, trained
on ImageNet; ours is a small network trained on the same images as the model: a checkpoint of the
kind classifier. It is a penalty, no part of the ELBO: a model that is trained with it has a worse
likelihood, and pictures that another network takes for real ones more often.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vae.core.errors import ConfigError
from vae.models.elbo import ElboTerms
from vae.models.likelihood import pixel_mean
from vae.models.networks.residual import ResidualBlock

SEEN_BEHIND = (nn.ReLU, nn.SiLU, ResidualBlock)
"""Layers whose outputs are features."""

SMALLEST_NORM = 1e-6


class PerceptualLoss:
    """A classifier that is asked what it sees in images, not which class they are of."""

    def __init__(self, encoder: nn.Sequential, weight: float) -> None:
        """The classifier's encoder, and what a distance of 1 costs, in nats."""
        self._encoder = encoder.eval().requires_grad_(False)
        self._weight = weight

    def __call__(self, terms: ElboTerms, images: Float[Tensor, "batch c h w"]) -> ElboTerms:
        """The same terms, the weighted distance of image and decoded image added to the penalty."""
        if terms.decoded is None:
            raise ConfigError(
                "a perceptual loss needs a model that decodes to images; leave it out"
            )
        penalty = self._weight * self.distance(pixel_mean(terms.decoded), images)
        before = terms.penalty
        return replace(terms, penalty=penalty if before is None else before + penalty)

    def distance(
        self, shown: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """How differently the classifier sees two images; at least 0, without a unit.

        The squared distance of a layer's features over the squared length of the image's, averaged
        over the layers: 0 of the same features, 1 of none at all. Differentiable by `shown`.
        """
        with torch.no_grad():
            wanted = [features.float() for features in self._features(images)]
        found = [features.float() for features in self._features(shown)]
        relative = [
            (f - w).square().sum(dim=1) / w.square().sum(dim=1).clamp(min=SMALLEST_NORM)
            for f, w in zip(found, wanted, strict=True)
        ]
        return torch.stack(relative).mean(dim=0)

    def _features(self, images: Float[Tensor, "batch c h w"]) -> Iterator[Float[Tensor, "batch _"]]:
        signal = images
        for layer in self._encoder:
            signal = layer(signal)
            if isinstance(layer, SEEN_BEHIND):
                yield signal.flatten(1)
