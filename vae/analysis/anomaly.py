"""Scores how anomalous images are under a model, and measures how well a score detects anomalies.

A higher score always means more anomalous. The ELBO is a bound on the probability of an image, but
a probable image need not be a normal one: simple images of other data can be more probable under a
model than its own (Nalisnick et al., "Do Deep Generative Models Know What They Don't Know?", 2019).
Images are therefore also ranked by the share that their reconstruction misses, which does not grow
with their content. Serrà et al. ("Input Complexity and Out-of-distribution Detection with
Likelihood-based Generative Models", 2020) correct likelihoods for the same reason.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-without-1")
    >>> found = detect(explorer, images, labels)
    >>> found.normal
    (0, 2, 3, 4, 5, 6, 7, 8, 9)
    >>> round(found.auroc["elbo"], 2), round(found.auroc["unexplained"], 2)
    (0.04, 0.76)
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from vae.analysis.elbo_arrays import elbo_in_batches, gaussian_rate
from vae.core.config import ModelConfig
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.data.registry import trained_labels
from vae.explorer import Explorer
from vae.explorer.inspection import Inspection

Score = Literal["elbo", "distortion", "rate", "likelihood", "unexplained"]
SCORES: dict[Score, str] = {
    "elbo": "−ELBO",
    "distortion": "Distortion",
    "rate": "Rate",
    "likelihood": "−log p(x)",
    "unexplained": "Missed share",
}
"""Titles of the scores by name; see `ImageScores`."""

SCORES_WITHOUT_RATE: tuple[Score, ...] = ("distortion", "unexplained")
"""The scores of models whose codes all have the same rate."""

FAINTEST = 1.0
"""Least sum of squared pixels that `unexplained` divides by: that of one white pixel."""

ROWS = 1000
"""Number of images that are scored at once."""

FALSE_ALARMS = 0.05
"""Share of normal images that the default threshold flags."""


@dataclass(frozen=True)
class ImageScores:
    """The scores of each image."""

    distortion: Float[np.ndarray, "n"]
    """-log p(x|z) at one posterior sample of each image, in nats."""

    rate: Float[np.ndarray, "n"]
    """KL(q(z|x) || p(z)) in closed form, in nats."""

    unexplained: Float[np.ndarray, "n"]
    """|x - x̂|² / |x|² without a unit, x̂ decoded from the posterior mean; 0 is perfect.

    |x|² measures how much an image shows: strokes are white on black.
    """

    log_likelihood: Float[np.ndarray, "n"] | None = None
    """The importance-weighted estimate of log p(x) in nats; None when it was not requested."""

    def of(self, score: Score) -> Float[np.ndarray, "n"]:
        """Return one of the scores; a higher value is more anomalous."""
        if score == "likelihood":
            assert self.log_likelihood is not None
            return -self.log_likelihood
        return {
            "elbo": self.distortion + self.rate,
            "distortion": self.distortion,
            "rate": self.rate,
            "unexplained": self.unexplained,
        }[score]


@dataclass(frozen=True)
class Detection(Record):
    """How well each score separates abnormal test images from normal ones."""

    normal: tuple[int, ...]
    """The labels that count as normal; all others are abnormal."""

    normal_images: int
    abnormal_images: int

    samples: int | None
    """Number of posterior samples of the importance-weighted score; None without it."""

    auroc: dict[str, float]
    """By score: the probability that an abnormal image has a higher score than a normal one."""

    recall: dict[str, float]
    """By score: share of abnormal images that are flagged, when 5 % of the normal ones are."""


@dataclass(frozen=True)
class OperatingPoint:
    """The rates of a detector that flags images with a score above a threshold."""

    threshold: float

    precision: float
    """Share of flagged images that are abnormal; 1 when none is flagged."""

    recall: float
    """Share of abnormal images that are flagged."""

    false_alarms: float
    """Share of normal images that are flagged."""


def available_scores(model: ModelConfig) -> tuple[Score, ...]:
    """Return the scores that a model has."""
    return tuple(SCORES) if model.is_gaussian else SCORES_WITHOUT_RATE


def score_unit(score: Score) -> str:
    """Return the unit of a score."""
    return "share of the image" if score == "unexplained" else "nats"


def score_images(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    samples: int | None = None,
    seed: int = 0,
) -> ImageScores:
    """Score images; `samples` posterior samples add the likelihood.

    A conditional model scores them with its selected label.
    """
    terms = elbo_in_batches(explorer.elbo_terms, images, seed, ROWS)
    missed = unexplained(images, explorer.reconstruct(images))
    weighted = _log_likelihood(explorer, images, samples, seed)
    return ImageScores(terms.distortion, terms.rate, missed, weighted)


def score_inspection(
    explorer: Explorer, found: Inspection, samples: int | None = None, seed: int = 0
) -> ImageScores:
    """Score one image from its inspection; only the likelihood runs the model again."""
    images = found.image[None]
    weighted = _log_likelihood(explorer, images, samples, seed)
    missed = unexplained(images, found.reconstruction[None])
    return ImageScores(found.terms.distortion, found.terms.rate, missed, weighted)


def unexplained(
    images: Float[np.ndarray, "n h w c"], decoded: Float[np.ndarray, "n h w c"]
) -> Float[np.ndarray, "n"]:
    """Return the share of each image that its reconstruction misses; see `ImageScores`."""
    missed = (images - decoded) ** 2
    total = np.maximum((images**2).sum(axis=(1, 2, 3)), FAINTEST)
    return missed.sum(axis=(1, 2, 3)) / total


def atlas_rates(explorer: Explorer) -> Float[np.ndarray, "n"]:
    """Return the rate of each test image from the checkpoint alone, in half precision.

    For a ladder VAE, the levels above have their most probable codes instead of sampled ones.
    Raises ConfigError for a model whose codes all have the same rate.
    """
    if not explorer.run.model.is_gaussian:
        raise ConfigError(
            f"all codes of {explorer.run.name} have the same rate, so it can only rank images by "
            "their reconstructions; for these, download its data set"
        )
    return gaussian_rate(explorer.atlas.mean, explorer.atlas.logvar)


def find_abnormal(labels: Int[np.ndarray, "n"], normal: Collection[int]) -> Bool[np.ndarray, "n"]:
    """Tell which images have no normal label; raises ConfigError unless both kinds occur."""
    abnormal = ~np.isin(labels, list(normal))
    if abnormal.all() or not abnormal.any():
        raise ConfigError(
            f"the labels {', '.join(map(str, normal)) or '(none)'} leave no images that are "
            f"{'normal' if abnormal.all() else 'abnormal'}; name some of the test split's labels, "
            "but not all"
        )
    return abnormal


def normal_labels(explorer: Explorer) -> tuple[int, ...]:
    """Return the labels that a model was trained on; raises ConfigError for all of them."""
    found = trained_labels(explorer.run.train.dataset)
    if found is None:
        raise ConfigError(
            f"{explorer.run.name} was trained on every class of {explorer.run.train.dataset}; name "
            "the normal classes with --normal, or choose a model that was trained on some classes, "
            "as with --dataset mnist:without=3"
        )
    return found


def auroc(scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"]) -> float:
    """Return the area under `roc`: 0.5 is chance, 1 is perfect."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(abnormal, scores))


def roc(
    scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """Return false alarms and recall for falling thresholds, each from 0 to 1."""
    from sklearn.metrics import roc_curve

    false_alarms, recall, _ = roc_curve(abnormal, scores)
    return false_alarms, recall


def operating_point(
    scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"], threshold: float
) -> OperatingPoint:
    """Return the rates of flagging every score above a threshold."""
    flagged = scores > threshold
    right = int((flagged & abnormal).sum())
    precision = right / int(flagged.sum()) if flagged.any() else 1.0
    return OperatingPoint(
        float(threshold),
        precision,
        right / int(abnormal.sum()),
        float(flagged[~abnormal].mean()),
    )


def default_threshold(scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"]) -> float:
    """Return the threshold that flags FALSE_ALARMS of the normal images."""
    return float(np.quantile(scores[~abnormal], 1 - FALSE_ALARMS))


def detect(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"],
    normal: Collection[int] | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> Detection:
    """Score test images and measure how well each score detects abnormal ones.

    Args:
        explorer: The model.
        images: The test images.
        labels: The labels of the images.
        normal: The normal labels; None stands for those that the model was trained on.
        samples: Number of posterior samples of the likelihood; None leaves it out.
        seed: Seed of the posterior samples.
    """
    chosen = tuple(normal_labels(explorer) if normal is None else sorted(normal))
    abnormal = find_abnormal(labels, chosen)
    found = score_images(explorer, images, samples, seed)
    names = [s for s in available_scores(explorer.run.model) if s != "likelihood" or samples]
    points = {
        name: operating_point(s, abnormal, default_threshold(s, abnormal))
        for name, s in ((name, found.of(name)) for name in names)
    }
    return Detection(
        normal=chosen,
        normal_images=int((~abnormal).sum()),
        abnormal_images=int(abnormal.sum()),
        samples=samples if "likelihood" in names else None,
        auroc={name: auroc(found.of(name), abnormal) for name in names},
        recall={name: point.recall for name, point in points.items()},
    )


def error_map(
    image: Float[np.ndarray, "h w c"], decoded: Float[np.ndarray, "h w c"]
) -> Float[np.ndarray, "h w"]:
    """Return |x - decoded| of each pixel, from 0 to 1, averaged over the channels."""
    return np.abs(image - decoded).mean(axis=2)


def _log_likelihood(
    explorer: Explorer, images: Float[np.ndarray, "n h w c"], samples: int | None, seed: int
) -> Float[np.ndarray, "n"] | None:
    """Estimate the likelihood, if it is requested and the model has a Gaussian posterior."""
    if samples is None or not explorer.run.model.is_gaussian:
        return None
    return explorer.log_likelihood(images, samples, seed)
