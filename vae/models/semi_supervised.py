"""The semi-supervised VAE: a conditional one that guesses the label where nobody says it.

Kingma, Rezende, Mohamed and Welling, "Semi-supervised Learning with Deep Generative Models", 2014:
their model M2. A classifier q(y|x) stands beside the encoder q(z|x, y) and the decoder p(x|z, y);
the labels' prior p(y) is uniform. An image whose label is known trains all three; of one whose
label is not (-1), every label is tried and weighed by q(y|x), so that the classifier learns from
which label explains the image at the least cost.
"""

import dataclasses
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from vae.core.config import ModelConfig
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.conditional import ConditionalVAE, LabelledSequential
from vae.models.elbo import ElboTerms
from vae.models.networks.architectures import build_encoder
from vae.models.posterior import Posterior, standard_normal

ALPHA = 1.0
"""What the cross-entropy of a known label weighs beside the bound of its image."""


class SemiSupervisedVAE(ConditionalVAE):
    """q(y|x), q(z|x, y), a uniform p(y), the standard normal prior of z and p(x|z, y)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.classifier = build_encoder(config, config.classes)

    def classify(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        """The logits of q(y|x); pixels in [0, 1]."""
        return self.classifier(images).float()

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Both terms of each image, under its label or, where that is -1, averaged over q(y|x).

        Equations 6 to 9 of Kingma et al. 2014. Distortion and rate are those of p(x|y), as of a
        conditional VAE. The penalty holds what the label costs, KL(w(y) || p(y)), where w is q(y|x)
        or all on the known label (then it is log K, for K classes); and, for a known label, ALPHA
        times -log q(y|x), which is no part of any bound. So -(distortion + rate + label's cost) is
        the bound on log p(x), and on log p(x, y) where the label is known. All labels of an image
        share one draw of noise. Where the label is not known, posterior and z are those of the most
        probable one.
        """
        labels = condition.labels
        assert labels is not None, "a semi-supervised model needs labels, -1 for unknown ones"
        logits = self.classify(images)
        weights, penalty = _weights(logits, labels), _penalty(logits, labels)
        if labels.device.type == "cpu" and bool((labels >= 0).all()):
            # There is nothing to try out; on CUDA nobody may look.
            return dataclasses.replace(
                super().elbo_terms(images, noise, condition), penalty=penalty
            )
        tried = self._tried(images, noise)
        posterior, likeliest = tried.posterior, weights.argmax(dim=1)
        picked = likeliest + len(weights.T) * torch.arange(len(images), device=labels.device)
        rates = tried.rate_per_dimension.unflatten(0, weights.shape)
        return ElboTerms(
            (weights * tried.distortion.unflatten(0, weights.shape)).sum(dim=1),
            (weights.unsqueeze(2) * rates).sum(dim=1),
            Posterior(posterior.mean[picked], posterior.logvar[picked]),
            tried.z[picked],
            penalty,
        )

    def _tried(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
    ) -> ElboTerms:
        """The terms of each image with each label, a row each, by image and then by label."""
        classes = self.config.classes
        if isinstance(noise, torch.Generator):
            noise = standard_normal((len(images), self.config.latent_dim), noise)
        assert isinstance(self.encoder, LabelledSequential)
        mean, logvar = self.encoder.with_every_label(images).float().chunk(2, dim=1)
        posterior = Posterior.clamped(mean, logvar, self.config.logvar_limit)
        every = torch.arange(classes, device=images.device).repeat(len(images))
        images, noise = (given.repeat_interleave(classes, dim=0) for given in (images, noise))
        return self.elbo_from_posterior(posterior, images, noise, Condition(labels=every))


def _weights(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"]
) -> Float[Tensor, "batch classes"]:
    """How much each label counts: q(y|x), or all on the one that is known."""
    known = one_hot(labels.clamp(min=0), logits.shape[1]).to(logits.dtype)
    return torch.where((labels >= 0).unsqueeze(1), known, logits.softmax(dim=1))


def _penalty(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """What the label costs, in nats, and for a known one the classifier's loss besides."""
    uniform, log_q = math.log(logits.shape[1]), logits.log_softmax(dim=1)
    guessed = uniform + (log_q.exp() * log_q).sum(dim=1)
    wrong = cross_entropy(logits, labels.clamp(min=0), reduction="none")
    return torch.where(labels >= 0, uniform + ALPHA * wrong, guessed)
