"""The semi-supervised VAE: a conditional VAE that infers the labels that are unknown.

Kingma, Rezende, Mohamed and Welling, "Semi-supervised Learning with Deep Generative Models", 2014:
this is their
model M2. It adds a classifier q(y|x) to the encoder q(z|x, y) and the decoder p(x|z, y). The prior
p(y) of the labels is uniform. An image with a known label trains all three networks. For an image
with an unknown label (-1) the model evaluates every label and weights it by q(y|x). The classifier
thereby learns which label explains the image at the lowest cost.

Example:
    model = SemiSupervisedVAE(ModelConfig((1, 28, 28), 2, kind="semi-supervised", classes=10))
    terms = model.elbo_terms(images, noise, Condition(labels=torch.tensor([3, -1])))
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
"""Weight of a known label's cross-entropy relative to the bound of its image."""


class SemiSupervisedVAE(ConditionalVAE):
    """Models q(y|x), q(z|x, y) and p(x|z, y), with a uniform p(y) and a standard normal p(z)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.classifier = build_encoder(config, config.classes)

    def classify(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        """Returns the logits of q(y|x); pixels lie in [0, 1]."""
        return self.classifier(images).float()

    def elbo_terms(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
        condition: Condition = UNCONDITIONED,
    ) -> ElboTerms:
        """Returns both terms of each image, averaged over q(y|x) where the label is -1.

        These are equations 6 to 9 of Kingma et al. 2014. Distortion and rate are those of p(x|y),
        as for a conditional VAE. The penalty is the cost of the label, KL(w(y) || p(y)): w is
        q(y|x), or all mass on a known label, which then costs log K for K classes. For a known
        label the penalty also holds ALPHA times -log q(y|x), which belongs to no bound.

        -(distortion + rate + cost of the label) is therefore a bound on log p(x), or on
        log p(x, y) where the label is known. All labels of an image share one noise sample. Where
        the label is unknown, posterior and z are those of the most probable label.
        """
        labels = condition.labels
        assert labels is not None, "a semi-supervised model needs labels, -1 for unknown ones"
        logits = self.classify(images)
        weights, penalty = _weights(logits, labels), _penalty(logits, labels)
        if labels.device.type == "cpu" and bool((labels >= 0).all()):
            # No label needs inference. On CUDA this test would wait for the device.
            return dataclasses.replace(
                super().elbo_terms(images, noise, condition), penalty=penalty
            )
        evaluated = self._under_every_label(images, noise)
        posterior, likeliest = evaluated.posterior, weights.argmax(dim=1)
        picked = likeliest + len(weights.T) * torch.arange(len(images), device=labels.device)
        rates = evaluated.rate_per_dimension.unflatten(0, weights.shape)
        return ElboTerms(
            (weights * evaluated.distortion.unflatten(0, weights.shape)).sum(dim=1),
            (weights.unsqueeze(2) * rates).sum(dim=1),
            Posterior(posterior.mean[picked], posterior.logvar[picked]),
            evaluated.z[picked],
            penalty,
        )

    def _under_every_label(
        self,
        images: Float[Tensor, "batch c h w"],
        noise: torch.Generator | Float[Tensor, "batch latent"],
    ) -> ElboTerms:
        """Returns the terms of each image under each label, ordered by image and then by label."""
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
    """Returns the weight of each label: q(y|x), or 1 for the known label."""
    known = one_hot(labels.clamp(min=0), logits.shape[1]).to(logits.dtype)
    return torch.where((labels >= 0).unsqueeze(1), known, logits.softmax(dim=1))


def _penalty(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"]
) -> Float[Tensor, "batch"]:
    """Returns the cost of the label in nats, plus the classifier's loss for a known label."""
    uniform, log_q = math.log(logits.shape[1]), logits.log_softmax(dim=1)
    guessed = uniform + (log_q.exp() * log_q).sum(dim=1)
    wrong = cross_entropy(logits, labels.clamp(min=0), reduction="none")
    return torch.where(labels >= 0, uniform + ALPHA * wrong, guessed)
