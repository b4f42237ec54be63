"""Likelihoods: what models of the same images cost under what each was trained with.

Their own distortions do not compare: a cross-entropy of grey values, a density over [0, 1] and a
probability of whole levels are different quantities. What compares: the bits per dimension where
the likelihood gives 8-bit levels a probability, the rate, the quality of reconstructions, and what
a classifier says of samples.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.eval_classifier import EvalClassifier
from vae.analysis.prior_coverage import recognised_share
from vae.core.record import Record
from vae.explorer import Explorer
from vae.metrics.psnr_ssim import image_quality
from vae.models.likelihood import DENSITY_LIKELIHOODS
from vae.runs.run import Run

BATCH = 250


@dataclass(frozen=True)
class LikelihoodScores(Record):
    """One model; terms in nats per image."""

    name: str

    likelihood: str
    """What it was trained with."""

    perceptual: float
    """Weight of the perceptual loss beside it, in nats."""

    scales: tuple[float, ...]
    """Of the likelihood, in units of the pixels' range, set or learned; none of a Bernoulli."""

    distortion: float
    """-log p(x|z) under its own likelihood, one posterior sample an image; see `unit`."""

    unit: str
    """What the distortion is: a cross-entropy, a density's or a probability's."""

    rate: float
    """KL(q(z|x) || p(z)) in closed form."""

    bits_per_dimension: float | None
    """-ELBO / (D ln 2) with each pixel one of 256 levels: an upper bound; None without levels."""

    psnr: float
    """Of reconstructions from the posterior mean, in dB."""

    feature_distance: float | None
    """Between the classifier's features of an image and of its reconstruction; 0 is alike."""

    recognised: float | None
    """Share of draws from the prior of which the classifier is sure, 0 to 1."""

    count: int
    """Test images, and draws."""


def measure_likelihood(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"] | None = None,
    classifier: EvalClassifier | None = None,
    seed: int = 0,
) -> LikelihoodScores:
    """What one model makes of real images; without a classifier, without what it would say."""
    run, count = explorer.run, len(images)
    own = _mean_terms(explorer.elbo_terms, images, labels, seed)
    decoded = explorer.reconstruct(images, labels)
    samples = explorer.sample(count, seed)
    return LikelihoodScores(
        name=run.name,
        likelihood=run.model.likelihood,
        perceptual=run.train.perceptual,
        scales=explorer.likelihood_scales,
        distortion=own[0],
        unit=distortion_unit(run),
        rate=own[1],
        bits_per_dimension=bits_per_dimension(explorer, images, labels, seed),
        psnr=image_quality(images, decoded).psnr,
        feature_distance=None
        if classifier is None
        else _feature_distance(classifier, images, decoded),
        recognised=None if classifier is None else recognised_share(classifier, samples),
        count=count,
    )


def bits_per_dimension(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"] | None = None,
    seed: int = 0,
) -> float | None:
    """-ELBO / (D ln 2) of 8-bit images of D pixels times channels, one posterior sample each.

    An upper bound on the mean of -log2 P(x) / D. None where the likelihood has no levels.
    """
    if has_pixel_levels(explorer.run):
        distortion, rate = _mean_terms(explorer.elbo_terms_in_levels, images, labels, seed)
        return (distortion + rate) / (math.prod(images.shape[1:]) * math.log(2))
    return None


def has_pixel_levels(run: Run) -> bool:
    """Whether the likelihood gives 8-bit levels a probability."""
    return run.model.likelihood != "bernoulli"


def distortion_unit(run: Run) -> str:
    """What a distortion of this model is, in a few words."""
    if run.model.likelihood in DENSITY_LIKELIHOODS:
        return "nats of a density"
    return "nats" if run.model.likelihood == "logistic" else "nats of cross-entropy"


def comparable(runs: Iterable[Run], of: Run) -> list[Run]:
    """Models of the same images, architecture and latent size that differ in likelihood or loss.

    The largest such group, the one that holds `of` where there is a choice; none without two. They
    may have been trained for longer or shorter.
    """
    groups: dict[tuple, dict[tuple, Run]] = {}
    for run in runs:
        model, train = run.model, run.train
        plain = model.kind == "vae" and model.beta_range is None and train.beta == 1
        if not plain or train.corruption or train.free_bits or train.objective != "beta-vae":
            continue
        key = train.dataset, model.image_shape, model.architecture, model.latent_dim
        how = model.likelihood, model.pixel_scale, train.perceptual
        groups.setdefault(key, {}).setdefault(how, run)
    several = [list(group.values()) for group in groups.values() if len(group) > 1]
    mine = [group for group in several if any(run.path == of.path for run in group)]
    return max(mine or several, key=len, default=[])


def _mean_terms(
    terms, images: np.ndarray, labels: np.ndarray | None, seed: int
) -> tuple[float, float]:
    """Mean distortion and rate, in batches: images are many and large."""
    distortion, rate = 0.0, 0.0
    for start in range(0, len(images), BATCH):
        rows = slice(start, start + BATCH)
        found = terms(images[rows], seed + start, None if labels is None else labels[rows])
        distortion += float(found.distortion.sum(dtype=np.float64))
        rate += float(found.rate.sum(dtype=np.float64))
    return distortion / len(images), rate / len(images)


def _feature_distance(classifier: EvalClassifier, images: np.ndarray, decoded: np.ndarray) -> float:
    """Mean squared distance of the last features, over their mean squared length."""
    wanted, found = classifier.features(images), classifier.features(decoded)
    return float(np.square(found - wanted).sum() / np.square(wanted).sum())
