"""A classifier: an encoder whose code has to tell the label, not the image.

It is no generative model but the judge of them, trained by the same loop: whether generated images
are of the class that was asked for, and in whose features two sets of images are compared. Alemi et
al., "Deep Variational Information Bottleneck", 2017, at beta 0 and without noise.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vae.core.config import ModelConfig
from vae.models.autoencoder import Autoencoder
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.elbo import ElboTerms


class Classifier(Autoencoder):
    """p(y|x); the code of an image is the features that its label is read from."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(config.latent_dim, config.classes))

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch classes"]:
        """The logits of the classes."""
        return self.decoder(z).float()

    def classify(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        """The logits of p(y|x); pixels in [0, 1]."""
        return self.decode(self.encode(images).mean)

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """The distortion is -log p(y|x), in nats; there is no rate."""
        labels = condition.labels
        assert labels is not None, "a classifier learns from labels"
        features = self.encode(images)
        distortion = cross_entropy(self.decode(features.mean), labels, reduction="none")
        return ElboTerms(distortion, features.kl(), features, features.mean)
