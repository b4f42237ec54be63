"""The perceptual loss: the distance of an image and its reconstruction in a classifier's features.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
2016; Hou et al., "Deep Feature Consistent Variational Autoencoder", 2017. Both papers use VGG-19,
trained on ImageNet. Here the features are those of a small classifier, which was trained on the
same images as the model: a checkpoint of the kind `classifier`. The loss is a penalty and no part
of the ELBO. A model that is trained with it has a worse likelihood, but another network takes its
images for real ones more often.

Example:
    >>> loss = PerceptualLoss(classifier.encoder, weight=10.0)
    >>> loss.distance(reconstructions, images)  # one number for each image
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

FEATURE_LAYERS = (nn.ReLU, nn.SiLU, ResidualBlock)
"""Layers whose outputs are features."""

SMALLEST_NORM = 1e-6


class PerceptualLoss:
    """Compares images by the features of a classifier's encoder."""

    def __init__(self, encoder: nn.Sequential, weight: float) -> None:
        """Freeze the classifier's `encoder`; a distance of 1 costs `weight` nats."""
        self._encoder = encoder.eval().requires_grad_(False)
        self._weight = weight

    def __call__(self, terms: ElboTerms, images: Float[Tensor, "batch c h w"]) -> ElboTerms:
        """Return the terms with the weighted distance of image and reconstruction as a penalty."""
        if terms.decoded is None:
            raise ConfigError(
                "a perceptual loss needs a model that decodes to images; train without the loss"
            )
        penalty = self._weight * self.distance(pixel_mean(terms.decoded), images)
        before = terms.penalty
        return replace(terms, penalty=penalty if before is None else before + penalty)

    def distance(
        self, shown: Float[Tensor, "batch c h w"], images: Float[Tensor, "batch c h w"]
    ) -> Float[Tensor, "batch"]:
        """Return the relative distance of each pair of images' features, at least 0, without unit.

        For each layer, the squared distance of the features is divided by the squared length of
        the features of `images`; the result is the mean over the layers. It is 0 for equal
        features and 1 if `shown` has none at all. It is differentiable with respect to `shown`.
        """
        with torch.no_grad():
            targets = [features.float() for features in self._features(images)]
        found = [features.float() for features in self._features(shown)]
        relative = [
            (f - t).square().sum(dim=1) / t.square().sum(dim=1).clamp(min=SMALLEST_NORM)
            for f, t in zip(found, targets, strict=True)
        ]
        return torch.stack(relative).mean(dim=0)

    def _features(self, images: Float[Tensor, "batch c h w"]) -> Iterator[Float[Tensor, "batch _"]]:
        """Yield the output of each feature layer."""
        signal = images
        for layer in self._encoder:
            signal = layer(signal)
            if isinstance(layer, FEATURE_LAYERS):
                yield signal.flatten(1)
