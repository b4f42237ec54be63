"""Anomalies: which images a model finds strange, and how well that tells those it never saw.

A higher score always means more anomalous. The ELBO is a bound on how probable an image is, and a
probable image need not be a normal one: a model can find simple images of other data more probable
than its own (Nalisnick et al., "Do Deep Generative Models Know What They Don't Know?", 2019). So
images are also ranked by the share of them that their reconstruction misses, which does not grow
with how much there is to see; the same is done with likelihoods by Serrà et al., "Input Complexity
and Out-of-distribution Detection with Likelihood-based Generative Models", 2020.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

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
"""By name, as people write them; see `ImageScores`."""

SCORES_WITHOUT_RATE: tuple[Score, ...] = ("distortion", "unexplained")
"""The scores of models whose codes all cost the same."""

FAINTEST = 1.0
"""Images with less light than one white pixel count as having that much."""

ROWS = 1000
"""Images scored at once."""

FALSE_ALARMS = 0.05
"""The share of normal images that may be flagged, where a threshold is wanted and none given."""


@dataclass(frozen=True)
class ImageScores:
    """What each image costs the model."""

    distortion: Float[np.ndarray, "n"]
    """-log p(x|z), at one posterior sample of each image."""

    rate: Float[np.ndarray, "n"]
    """KL(q(z|x) || p(z)) in closed form."""

    unexplained: Float[np.ndarray, "n"]
    """|x - x̂|² / |x|², x̂ decoded from the posterior mean: 0 is a perfect reconstruction.

    Without a unit, while the others are in nats. |x|² is the image's light: ink is white on black.
    """

    log_likelihood: Float[np.ndarray, "n"] | None = None
    """The importance-weighted estimate of log p(x); None where it was not asked for."""

    def of(self, score: Score) -> Float[np.ndarray, "n"]:
        """One of the scores; the higher, the more anomalous."""
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
    """How well each score tells abnormal test images from normal ones."""

    normal: tuple[int, ...]
    """The labels that count as normal; every other one is abnormal."""

    normal_images: int
    abnormal_images: int

    samples: int | None
    """Posterior samples of each image for the importance-weighted score; None without it."""

    auroc: dict[str, float]
    """By score: the probability that an abnormal image scores higher than a normal one."""

    recall: dict[str, float]
    """By score: abnormal images flagged where 5 % of the normal ones are."""


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold comes to: images whose score is above it are flagged."""

    threshold: float

    precision: float
    """Abnormal among the flagged; 1 where nothing is flagged."""

    recall: float
    """Flagged among the abnormal."""

    false_alarms: float
    """Flagged among the normal."""


def available_scores(model: ModelConfig) -> tuple[Score, ...]:
    """The scores that a model has."""
    return tuple(SCORES) if model.is_gaussian else SCORES_WITHOUT_RATE


def score_unit(score: Score) -> str:
    """What a score is measured in."""
    return "share of the image" if score == "unexplained" else "nats"


def score_images(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    samples: int | None = None,
    seed: int = 0,
) -> ImageScores:
    """Score each image; with `samples` posterior samples also by its likelihood.

    A conditional model scores them as images of its own label.
    """
    starts = range(0, len(images), ROWS)
    parts = [explorer.elbo_terms(images[start : start + ROWS], seed + start) for start in starts]
    weighted = None
    if samples is not None and explorer.run.model.is_gaussian:
        weighted = explorer.log_likelihood(images, samples, seed)
    return ImageScores(
        np.concatenate([part.distortion for part in parts]),
        np.concatenate([part.rate for part in parts]),
        unexplained(images, explorer.reconstruct(images)),
        weighted,
    )


def score_inspection(
    explorer: Explorer, found: Inspection, samples: int | None = None, seed: int = 0
) -> ImageScores:
    """Score one image that the explorer has inspected; the model does not run again for it.

    Only the likelihood, with `samples` posterior samples, is estimated anew.
    """
    images, weighted = found.image[None], None
    if samples is not None and explorer.run.model.is_gaussian:
        weighted = explorer.log_likelihood(images, samples, seed)
    missed = unexplained(images, found.reconstruction[None])
    return ImageScores(found.terms.distortion, found.terms.rate, missed, weighted)


def unexplained(
    images: Float[np.ndarray, "n h w c"], decoded: Float[np.ndarray, "n h w c"]
) -> Float[np.ndarray, "n"]:
    """The share of each image's light that its reconstruction misses; see `ImageScores`."""
    missed = (images - decoded) ** 2
    light = np.maximum((images**2).sum(axis=(1, 2, 3)), FAINTEST)
    return missed.sum(axis=(1, 2, 3)) / light


def atlas_rates(explorer: Explorer) -> Float[np.ndarray, "n"]:
    """The rate of each test image, from the checkpoint alone; to half precision.

    Of a ladder it is that at the most probable codes of the levels above, not at sampled ones.
    ConfigError for a model whose codes all cost the same.
    """
    if not explorer.run.model.is_gaussian:
        raise ConfigError(
            f"all codes of {explorer.run.name} cost the same, so it can rank by its "
            "reconstructions alone; for them, put its data set on this machine"
        )
    mean, logvar = explorer.atlas.mean, explorer.atlas.logvar
    with np.errstate(over="ignore"):
        # Log-variances that nothing clamped can be too large: such a rate is infinite.
        return 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum(axis=1)


def find_abnormal(labels: Int[np.ndarray, "n"], normal: Collection[int]) -> Bool[np.ndarray, "n"]:
    """Which images are of no normal class; ConfigError unless there are some of either sort."""
    abnormal = ~np.isin(labels, list(normal))
    if abnormal.all() or not abnormal.any():
        raise ConfigError(
            f"the labels {', '.join(map(str, normal)) or '(none)'} leave no images that are "
            f"{'normal' if abnormal.all() else 'abnormal'}; name some of the test split's labels, "
            "but not all"
        )
    return abnormal


def normal_labels(explorer: Explorer) -> tuple[int, ...]:
    """The classes that a model was trained on; ConfigError where that is all of them."""
    found = trained_labels(explorer.run.train.dataset)
    if found is None:
        raise ConfigError(
            f"{explorer.run.name} was trained on every class of {explorer.run.train.dataset}; name "
            "those that are to count as normal with --normal, or choose a model trained on some, "
            "as with --dataset mnist:without=3"
        )
    return found


def auroc(scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"]) -> float:
    """The area under `roc`: 0.5 is chance, 1 perfect, below 0.5 worse than chance."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(abnormal, scores))


def roc(
    scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """False alarms and recall over falling thresholds, each from 0 to 1."""
    from sklearn.metrics import roc_curve

    false_alarms, recall, _ = roc_curve(abnormal, scores)
    return false_alarms, recall


def operating_point(
    scores: Float[np.ndarray, "n"], abnormal: Bool[np.ndarray, "n"], threshold: float
) -> OperatingPoint:
    """What flagging every score above a threshold comes to."""
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
    """The threshold at which FALSE_ALARMS of the normal images are flagged."""
    return float(np.quantile(scores[~abnormal], 1 - FALSE_ALARMS))


def detect(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"],
    normal: Collection[int] | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> Detection:
    """Score test images and measure how well each score tells those that are not normal.

    `normal` are labels; without them, those that the model was trained on.
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
    """|x - decoded| of each pixel, 0 to 1, the mean over its channels."""
    return np.abs(image - decoded).mean(axis=2)
