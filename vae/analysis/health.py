"""Checks the health of a trained model: which problems its measurements show, and their remedies.

Each issue has one number and one threshold. The thresholds were set on the models that ship and on
the prepared failures of `vae.analysis.failure_modes`: the failures are far above them and the
models that ship far below. A model without a posterior (`KINDS_WITHOUT_RATE`) has only its losses
checked.

Example:
    >>> [issue.name for issue in check_run(load_run("checkpoints/mnist-best"))]
    ['unused-dimensions']
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from vae.analysis.elbo_arrays import gaussian_rate
from vae.core.config import ModelConfig, TrainConfig
from vae.core.dataset_name import is_subset, parse_class_subset
from vae.core.record import Record
from vae.metrics.evaluation import explain_collapse
from vae.runs.checkpoint import load_atlas, load_metrics
from vae.runs.run import Run

IssueName = Literal[
    "collapse",
    "unused-dimensions",
    "too-little-kl",
    "explosion",
    "divergence",
    "clamped-log-variance",
    "over-fitting",
]

PRIOR_GAP, PRIOR_GAP_SHARE = 1.0, 0.15
"""Largest KL of the aggregate posterior from the prior, in nats and as a share of the rate.

This part of the rate carries no information about the image (Hoffman and Johnson 2016, "ELBO
surgery"). An issue exceeds both thresholds. Shipped models reach 5 % of the rate, and the prepared
failure half of it.

The gap is measured as KL(normal distribution with the moments of the aggregate posterior || prior).
The KL of the aggregate posterior itself is higher, because the normal distribution has the largest
entropy of all distributions with the same moments.
"""

CLAMPED_SHARE = 0.05
"""Largest share of log-variances at the clamp's limit; shipped models: at most 0.007."""

EXPLOSION = 2.0
"""Largest loss of an epoch, divided by that of a grey image; shipped models: at most 0.5."""

RISE = 0.5
"""Largest relative rise of the loss above the best epoch before; shipped models: at most 0.03."""

GENERALISATION_GAP = 0.1
"""Largest share by which the test loss exceeds the training loss; shipped models: at most 0.03."""

GREY_PIXEL = math.log(2)
"""Distortion of a pixel that is decoded as grey, in nats, under the Bernoulli likelihood."""


@dataclass(frozen=True)
class RunMeasurements:
    """The measurements of a run that the health checks use."""

    model: ModelConfig
    train: TrainConfig
    epochs: Sequence[Mapping[str, Any]]
    """The records of metrics.jsonl."""

    test_loss: float
    """-ELBO on the test split, in nats per image."""

    inactive: tuple[int, ...]
    """Indices of the latent dimensions that are not active."""

    means: Float[np.ndarray, "n latent"]
    """Posterior means of the test split."""

    logvars: Float[np.ndarray, "n latent"]
    """Posterior log-variances of the test split."""

    @classmethod
    def from_run(cls, run: Run) -> "RunMeasurements":
        """Read the measurements of a checkpoint; raises CheckpointError for damaged files."""
        atlas, results = load_atlas(run), run.results
        own = _of_trained_classes(run, atlas.label)
        return cls(
            model=run.model,
            train=run.train,
            epochs=load_metrics(run),
            test_loss=-results.test_elbo,
            inactive=results.inactive,
            means=atlas.mean[own],
            logvars=atlas.logvar[own],
        )


@dataclass(frozen=True)
class HealthIssue(Record):
    """One problem of a model."""

    name: IssueName
    is_failure: bool
    """Whether the issue makes the model unusable; other issues are only worth knowing."""

    value: float
    threshold: float
    sentence: str
    """Describes the finding and its remedy."""


def check_measurements(measured: RunMeasurements) -> tuple[HealthIssue, ...]:
    """Return all issues, failures first; none for a healthy model."""
    found = [check(measured) for check in _CHECKS]
    issues = (issue for issue in found if issue is not None)
    return tuple(sorted(issues, key=lambda issue: not issue.is_failure))


def check_run(run: Run) -> tuple[HealthIssue, ...]:
    """Return all issues of a checkpoint, failures first."""
    return check_measurements(RunMeasurements.from_run(run))


def diverged(message: str) -> HealthIssue:
    """Return the issue of a run that ended with a DivergedError, from the error's message."""
    sentence = f"{message[:1].upper()}{message[1:]}."
    return HealthIssue("divergence", True, value=1, threshold=0, sentence=sentence)


def prior_gap(measured: RunMeasurements) -> float:
    """Return the KL of the aggregate posterior's moments from the prior, in nats; see PRIOR_GAP."""
    means = measured.means.astype(np.float64)
    variances = np.exp(measured.logvars.astype(np.float64)).mean(axis=0)
    covariance = np.atleast_2d(np.cov(means.T, bias=True)) + np.diag(variances)
    centre = means.mean(axis=0)
    volume = np.linalg.slogdet(covariance)[1]
    return float(0.5 * (centre @ centre + np.trace(covariance) - len(covariance) - volume))


def clamped_share(measured: RunMeasurements) -> float:
    """Return the share of log-variances at the limit, within the half precision of the atlas."""
    return float((np.abs(measured.logvars) >= 0.999 * measured.model.logvar_limit).mean())


def _collapse(measured: RunMeasurements) -> HealthIssue | None:
    dead, latent = len(measured.inactive), measured.model.latent_dim
    if measured.model.kind == "vq" and dead < latent:
        # A grid position where all images are alike, such as a corner, needs a single code.
        return None
    sentence = explain_collapse(measured.inactive, latent, measured.train)
    if sentence is None:
        return None
    is_whole = dead == latent
    name: IssueName = "collapse" if is_whole else "unused-dimensions"
    return HealthIssue(name, is_whole, dead, latent if is_whole else 1, sentence)


def _too_little_kl(measured: RunMeasurements) -> HealthIssue | None:
    # A denoising model encodes clean test images, but was trained on corrupted ones.
    if not measured.model.is_gaussian or measured.train.corruption:
        return None
    gap, beta = prior_gap(measured), measured.train.beta
    sentence = (
        f"The codes do not look like the prior: they lie {gap:.3g} nats from it, so that samples "
        f"from the prior come from regions that the decoder never saw. To change that: raise beta "
        f"(now {beta:g}; 1 is the ELBO), or sample from a mixture fitted to the codes."
    )
    threshold = max(PRIOR_GAP, PRIOR_GAP_SHARE * _rate(measured))
    return _if_above("too-little-kl", gap, threshold, sentence)


def _explosion(measured: RunMeasurements) -> HealthIssue | None:
    # The rate of a VQ-VAE is constant; times beta, it would seem to rise during warm-up.
    is_constant = measured.model.kind == "vq"
    losses = [epoch["distortion"] if is_constant else _loss(epoch) for epoch in measured.epochs]
    if not losses:
        return None
    ratio, worst = _ratio_to_grey(measured, losses), int(np.argmax(losses))
    if ratio <= EXPLOSION:
        ratio, worst = _steepest_rise(measured.epochs)
        if ratio <= RISE:
            return None
    rate, highest, last = measured.train.learning_rate, losses[worst], losses[-1]
    sentence = (
        f"Training exploded: in epoch {worst + 1} the loss was {_format_nats(highest)} nats per "
        f"image, and it ended at {_format_nats(last)}. To change that: lower the learning rate "
        f"(now {rate:g}, try {rate / 10:g}) or clip gradients at a smaller norm (now "
        f"{measured.train.grad_clip:g})."
    )
    return HealthIssue("explosion", True, ratio, EXPLOSION if ratio > EXPLOSION else RISE, sentence)


def _clamped(measured: RunMeasurements) -> HealthIssue | None:
    if not measured.model.is_gaussian:
        return None
    share = clamped_share(measured)
    sentence = (
        f"{share:.0%} of the log-variances stand at the clamp of ±{measured.model.logvar_limit:g}, "
        "where they no longer learn. To change that: lower the learning rate, raise beta, or let "
        "it warm up for longer."
    )
    return _if_above("clamped-log-variance", share, CLAMPED_SHARE, sentence)


def _over_fitting(measured: RunMeasurements) -> HealthIssue | None:
    # The training loss of a multi-rate model is a mean over betas, unlike its test loss.
    if (
        not measured.epochs
        or measured.model.beta_range is not None
        or not measured.model.is_generative
    ):
        return None
    if measured.train.corruption:
        return None
    last = measured.epochs[-1]
    trained, size = last["distortion"] + last["rate"], abs(last["distortion"]) + last["rate"]
    gap = (measured.test_loss - trained) / max(size, 1.0)
    sentence = (
        "The model remembers its training images: a test image costs "
        f"{measured.test_loss:.1f} nats, a training image {trained:.1f}. To change that: "
        f"train for fewer epochs (now {measured.train.epochs}), take a smaller network or more "
        f"images, or raise beta (now "
        f"{measured.train.beta:g})."
    )
    return _if_above("over-fitting", gap, GENERALISATION_GAP, sentence)


_CHECKS: tuple[Callable[[RunMeasurements], HealthIssue | None], ...] = (
    _explosion,
    _collapse,
    _too_little_kl,
    _clamped,
    _over_fitting,
)


def _of_trained_classes(run: Run, labels: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Tell which test images have a class of the training set; see `vae.core.dataset_name`."""
    if not is_subset(run.train.dataset):
        return np.ones(len(labels), bool)
    return np.isin(labels, parse_class_subset(run.train.dataset, run.class_names).labels)


def _if_above(name: IssueName, value: float, threshold: float, sentence: str) -> HealthIssue | None:
    return HealthIssue(name, True, value, threshold, sentence) if value > threshold else None


def _format_nats(nats: float) -> str:
    """Format a loss, such as 27.3, 8,715,000 or 3.2e+15."""
    return f"{nats:,.0f}" if 1000 <= abs(nats) < 1e12 else f"{nats:.3g}"


def _loss(epoch: Mapping[str, Any]) -> float:
    """Return the loss of an epoch, with the beta at its end."""
    return epoch["distortion"] + epoch["beta"] * epoch["rate"]


def _ratio_to_grey(measured: RunMeasurements, losses: Sequence[float]) -> float:
    """Return the worst loss divided by that of a grey image; 0 for other likelihoods."""
    if measured.model.likelihood != "bernoulli" or not measured.model.is_generative:
        return 0.0
    return max(losses) / (GREY_PIXEL * math.prod(measured.model.image_shape))


def _steepest_rise(epochs: Sequence[Mapping[str, Any]]) -> tuple[float, int]:
    """Return the largest relative rise above the best epoch before, and its epoch.

    Epochs are compared at the later one's beta, so that warm-up does not count as a rise. The loss
    of a density can pass through 0; then the rise is divided by at least the first loss.
    """
    distortion, rate, beta = (np.array([e[n] for e in epochs]) for n in _TERMS)
    losses = distortion + np.outer(beta, rate)
    rises = [0.0]
    for now in range(1, len(epochs)):
        before = losses[now, :now]
        least = abs(before[0]) if losses[now, : now + 1].min() <= 0 else 1e-9
        rises.append((losses[now, now] - before.min()) / max(abs(before.min()), least))
    return float(max(rises)), int(np.argmax(rises))


_TERMS = ("distortion", "rate", "beta")


def _rate(measured: RunMeasurements) -> float:
    """Return the mean KL(q(z|x) || p(z)) of the test images, in nats."""
    means, logvars = measured.means.astype(np.float64), measured.logvars.astype(np.float64)
    return float(gaussian_rate(means, logvars).mean())
