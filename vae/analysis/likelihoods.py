"""Compares models of the same images that were trained with different likelihoods.

Their own distortions are not comparable: a cross-entropy of grey values, a density over [0, 1] and
a probability of discrete levels are different quantities. Comparable are the bits per dimension
(when the likelihood gives 8-bit levels a probability), the rate, the quality of reconstructions,
and a classifier's response to samples.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-logistic")
    >>> round(measure_likelihood(explorer, images, labels).bits_per_dimension, 2)
    2.3
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.elbo_arrays import Terms, elbo_in_batches
from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.prior_coverage import recognised_share
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import image_quality
from vae.models.likelihood import DENSITY_LIKELIHOODS
from vae.runs.run import Run

BATCH = 250
"""Number of images whose terms are computed at once."""

Images = Float[np.ndarray, "n h w c"]
Labels = Int[np.ndarray, "n"]


@dataclass(frozen=True)
class LikelihoodScores(Record):
    """The scores of one model; the terms are in nats per image."""

    name: str

    likelihood: str
    """The likelihood that the model was trained with."""

    perceptual: float
    """Weight of the perceptual loss, in nats."""

    scales: tuple[float, ...]
    """Fixed or learned scales of the likelihood, in units of the pixel range; none of Bernoulli."""

    distortion: float
    """-log p(x|z) under the model's own likelihood, one posterior sample per image; see `unit`."""

    unit: str
    """The kind of distortion: a cross-entropy, that of a density, or that of a probability."""

    rate: float
    """KL(q(z|x) || p(z)) in closed form."""

    bits_per_dimension: float | None
    """-ELBO / (D ln 2) with each pixel one of 256 levels: an upper bound; None without levels."""

    psnr: float
    """Quality of reconstructions from the posterior mean, in dB."""

    feature_distance: float | None
    """Distance between the classifier's features of an image and its reconstruction; >= 0."""

    recognised: float | None
    """Share of samples from the prior that the classifier recognises, 0 to 1."""

    count: int
    """Number of test images, and of samples."""


def measure_likelihood(
    explorer: Explorer,
    images: Images,
    labels: Labels | None = None,
    classifier: EvalClassifier | None = None,
    seed: int = 0,
) -> LikelihoodScores:
    """Measure one model on real images; without a classifier, its two measures are None."""
    run, count = explorer.run, len(images)
    distortion, rate = _mean_terms(explorer.elbo_terms, images, labels, seed)
    decoded = explorer.reconstruct(images, labels)
    samples = explorer.sample(count, seed)
    return LikelihoodScores(
        name=run.name,
        likelihood=run.model.likelihood,
        perceptual=run.train.perceptual,
        scales=explorer.likelihood_scales,
        distortion=distortion,
        unit=distortion_unit(run),
        rate=rate,
        bits_per_dimension=bits_per_dimension(explorer, images, labels, seed),
        psnr=image_quality(images, decoded).psnr,
        feature_distance=_feature_distance(classifier, images, decoded) if classifier else None,
        recognised=recognised_share(classifier.probabilities(samples)) if classifier else None,
        count=count,
    )


def bits_per_dimension(
    explorer: Explorer, images: Images, labels: Labels | None = None, seed: int = 0
) -> float | None:
    """Return -ELBO / (D ln 2) of 8-bit images with D numbers, one posterior sample each.

    This is an upper bound on the mean of -log2 P(x) / D. Returns None when the likelihood has no
    levels.
    """
    if not has_pixel_levels(explorer.run):
        return None
    distortion, rate = _mean_terms(explorer.elbo_terms_in_levels, images, labels, seed)
    return (distortion + rate) / (math.prod(images.shape[1:]) * math.log(2))


def has_pixel_levels(run: Run) -> bool:
    """Tell whether the likelihood gives 8-bit levels a probability."""
    return run.model.likelihood != "bernoulli"


def distortion_unit(run: Run) -> str:
    """Describe the distortion of a model in a few words."""
    if run.model.likelihood in DENSITY_LIKELIHOODS:
        return "nats of a density"
    return "nats" if run.model.likelihood == "logistic" else "nats of cross-entropy"


def comparable(runs: Iterable[Run], of: Run) -> list[Run]:
    """Return models of the same images and networks that differ in their likelihood or loss.

    A group has one data set, image shape, architecture and latent size. The result is the largest
    group that contains `of`, else the largest of all; it is empty when no group has two models.
    The models may have been trained for different numbers of epochs.
    """
    groups: dict[tuple[object, ...], dict[tuple[object, ...], Run]] = {}
    for run in runs:
        model, train = run.model, run.train
        plain = model.kind == "vae" and model.beta_range is None and train.beta == 1
        if not plain or train.corruption or train.free_bits or train.objective != "beta-vae":
            continue
        group = train.dataset, model.image_shape, model.architecture, model.latent_dim
        loss = model.likelihood, model.pixel_scale, train.perceptual
        groups.setdefault(group, {}).setdefault(loss, run)
    several = [list(group.values()) for group in groups.values() if len(group) > 1]
    own = [group for group in several if any(run.path == of.path for run in group)]
    return max(own or several, key=len, default=[])


def _mean_terms(
    terms: Terms, images: Images, labels: Labels | None, seed: int
) -> tuple[float, float]:
    """Return the mean distortion and the mean rate."""
    found = elbo_in_batches(terms, images, seed, BATCH, labels)
    return float(found.distortion.mean(dtype=np.float64)), float(found.rate.mean(dtype=np.float64))


def _feature_distance(classifier: EvalClassifier, images: Images, decoded: Images) -> float:
    """Return the squared distance of the last features, divided by their squared length."""
    wanted, found = classifier.features(images), classifier.features(decoded)
    return float(np.square(found - wanted).sum() / np.square(wanted).sum())
