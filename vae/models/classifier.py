"""A classifier: an encoder whose code predicts the label instead of the image.

It is not a generative model; it evaluates generative models. It checks whether a generated image
shows the requested class, and its features are the space in which two sets of images are compared.
It is the model of Alemi et al., "Deep Variational Information Bottleneck", 2017, at beta 0 and
without noise, and trains in the same loop as the others.

Example:
    model = Classifier(ModelConfig((1, 28, 28), latent_dim=64, kind="classifier", classes=10))
    labels = model.classify(images).argmax(dim=1)
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
    """Models p(y|x); the code of an image holds the features that predict its label."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(config.latent_dim, config.classes))

    def decode(
        self,
        z: Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> Float[Tensor, "batch classes"]:
        """Returns the logits of the classes."""
        return self.decoder(z).float()

    def classify(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        """Returns the logits of p(y|x); pixels lie in [0, 1]."""
        return self.decode(self.encode(images).mean)

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Returns -log p(y|x) in nats as the distortion; the rate is 0."""
        labels = condition.labels
        assert labels is not None, "a classifier learns from labels"
        features = self.encode(images)
        distortion = cross_entropy(self.decode(features.mean), labels, reduction="none")
        return ElboTerms(distortion, features.kl(), features, features.mean)
