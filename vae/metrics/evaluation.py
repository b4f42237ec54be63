"""Evaluates a trained model: its ELBO, its active units, its likelihood, and posterior collapse.

Example:
    found = evaluate(model, split)
    print(found.elbo, found.active_units)
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from vae.core.config import TrainConfig
from vae.data.splits import Split
from vae.models.condition import UNCONDITIONED, Condition
from vae.models.importance import ImportanceSampler
from vae.models.posterior import Posterior
from vae.models.vae import VAE

ACTIVE_VARIANCE = 0.01
"""A latent dimension is active when its posterior means vary by more than this over the data.

Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders", 2016, section 5.2.
"""

BATCH = 500
"""Images evaluated at once."""

ROWS = 250
"""Images decoded at once with many samples each; this fits into a core's cache."""

SAMPLES_AT_ONCE = 32
"""Posterior samples of each image held at once."""


@dataclass(frozen=True)
class Evaluation:
    """Means over a split, in nats per image."""

    distortion: float
    """-log p(x|z), estimated with one posterior sample per image."""

    rate_per_dimension: tuple[float, ...]
    """KL(q(z|x) || p(z)) of each dimension, in closed form."""

    mean_variances: tuple[float, ...]
    """Variance over the split of each dimension's posterior mean."""

    @property
    def rate(self) -> float:
        """KL(q(z|x) || p(z)), summed over the dimensions."""
        return math.fsum(self.rate_per_dimension)

    @property
    def elbo(self) -> float:
        """The evidence lower bound."""
        return -(self.distortion + self.rate)

    @property
    def inactive(self) -> tuple[int, ...]:
        """The dimensions that are not active by Burda's criterion."""
        return tuple(i for i, v in enumerate(self.mean_variances) if v <= ACTIVE_VARIANCE)

    @property
    def active_units(self) -> int:
        """The number of active dimensions by Burda's criterion."""
        return len(self.mean_variances) - len(self.inactive)


@torch.inference_mode()
def evaluate(model: VAE, split: Split, seed: int = 0) -> Evaluation:
    """Measures distortion, rate and active units over a split on the model's device."""
    generator = torch.Generator(model.device).manual_seed(seed)
    distortion, rate, means = 0.0, torch.zeros(model.config.latent_dim, dtype=torch.float64), []
    for images, labels in _batches(split):
        terms = model.elbo_terms(images, generator, Condition(labels=labels))
        distortion += float(terms.distortion.sum().cpu().double())
        rate += terms.rate_per_dimension.sum(dim=0).cpu().double()
        means.append(terms.posterior.mean.cpu())
    return Evaluation(
        distortion=distortion / len(split),
        rate_per_dimension=tuple((rate / len(split)).tolist()),
        mean_variances=tuple(torch.cat(means).double().var(dim=0, correction=0).tolist()),
    )


@torch.inference_mode()
def encode_split(model: VAE, split: Split) -> Posterior:
    """Returns the posteriors of a whole split, on the CPU."""
    parts = [model.encode(images, Condition(labels=labels)) for images, labels in _batches(split)]
    return Posterior(
        torch.cat([p.mean.cpu() for p in parts]), torch.cat([p.logvar.cpu() for p in parts])
    )


class ImageClassifier(Protocol):
    """A model that predicts the labels of images."""

    def classify(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        """Returns the logits of the labels; pixels lie in [0, 1]."""
        ...


@torch.inference_mode()
def classify_split(model: ImageClassifier, split: Split) -> Float[Tensor, "n classes"]:
    """Returns the label logits on the CPU, for a split on the model's device."""
    return torch.cat([model.classify(images).cpu() for images, _ in _batches(split)])


@torch.inference_mode()
def log_likelihood(
    model: VAE,
    images: Float[Tensor, "batch c h w"],
    samples: int,
    generator: torch.Generator,
    condition: Condition = UNCONDITIONED,
) -> Float[Tensor, "batch"]:
    """Returns the importance-weighted estimate of log p(x) of each image, in nats.

    It is log mean_k p(x|z_k) p(z_k) / q(z_k|x) with z_k ~ q(z|x). Its expectation is at least the
    ELBO and rises to log p(x) with `samples` (Burda et al. 2016, equation 8). Memory is that of
    ROWS decoded images. A conditional model gives log p(x|y).
    """
    parts = [
        _log_likelihood(model, images[rows], samples, generator, condition.rows(rows))
        for rows in (slice(start, start + ROWS) for start in range(0, len(images), ROWS))
    ]
    return torch.cat(parts)


def _log_likelihood(
    model: VAE,
    images: Float[Tensor, "batch c h w"],
    samples: int,
    generator: torch.Generator,
    condition: Condition,
) -> Float[Tensor, "batch"]:
    sampler = model.importance_sampler(images, condition)
    samples = sampler.useful_samples(samples)
    counts = [min(SAMPLES_AT_ONCE, samples - n) for n in range(0, samples, SAMPLES_AT_ONCE)]
    log_weights = [
        _log_weights(model, images, sampler, count, generator, condition) for count in counts
    ]
    return torch.logsumexp(torch.cat(log_weights), dim=0) - math.log(samples)


def _log_weights(
    model: VAE,
    images: Float[Tensor, "batch c h w"],
    sampler: ImportanceSampler,
    samples: int,
    generator: torch.Generator,
    condition: Condition,
) -> Float[Tensor, "samples batch"]:
    """Returns log p(x|z) p(z) / q(z|x); it decodes one sample of all images at a time."""
    z, log_ratio = sampler(samples, generator)
    distortion = [
        model.likelihood.distortion(model.decode(codes, condition), images)
        for codes in z.split(len(images))
    ]
    return log_ratio.unflatten(0, (samples, len(images))) - torch.stack(distortion)


def mean_log_likelihood(model: VAE, split: Split, samples: int, seed: int = 0) -> Iterator[float]:
    """Yields the running mean of `log_likelihood`; the last value is that of the whole split."""
    generator = torch.Generator(model.device).manual_seed(seed)
    total, count = 0.0, 0
    for images, labels in _batches(split):
        found = log_likelihood(model, images, samples, generator, Condition(labels=labels))
        total += float(found.sum().cpu().double())
        count += len(images)
        yield total / count


def explain_collapse(inactive: Sequence[int], count: int, config: TrainConfig) -> str | None:
    """Explains the inactive dimensions in one or two sentences; None if all are active."""
    if not inactive:
        return None
    names = ", ".join(f"z{i + 1}" for i in inactive[:12]) + (" …" if len(inactive) > 12 else "")
    if len(inactive) == count:
        found = f"The posterior has collapsed: all {count} latent dimensions ignore the image."
    else:
        found = f"{len(inactive)} of {count} latent dimensions ignore the image ({names})."
    return f"{found} {_collapse_advice(config)}"


def _collapse_advice(config: TrainConfig) -> str:
    advice = []
    if config.beta > 1:
        advice.append(f"lower beta (now {config.beta:g})")
    if config.warmup_epochs == 0:
        advice.append("let beta warm up over half of the epochs")
    if config.free_bits == 0:
        advice.append("give each dimension some free bits (0.1 nats)")
    advice.append("or keep fewer latent dimensions, if the images need no more")
    return f"To change that: {', '.join(advice)}."


def _batches(split: Split) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(split), BATCH):
        chosen = torch.arange(start, min(start + BATCH, len(split)), device=split.images.device)
        yield split.batch(chosen), split.labels[chosen]
