"""What is wrong with a trained model, read from what its run measured, and what would cure it.

Each symptom has one number and one threshold, which stand beside each other here. They were set on
the models that ship and on the prepared failures of `vae.analysis.failure_modes`: the failures are
far above them, the models that ship far below. A model of points (`KINDS_WITHOUT_RATE`) has no
posterior that could fail, so only its losses are looked at.
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

Name = Literal[
    "collapse",
    "unused-dimensions",
    "too-little-kl",
    "explosion",
    "divergence",
    "clamped-log-variance",
    "over-fitting",
]

PRIOR_GAP, PRIOR_GAP_SHARE = 1.0, 0.15
"""Nats that the codes of all images together may lie from the prior, and as a share of the rate.

That share tells nothing of the image (Hoffman and Johnson 2016, "ELBO surgery"). Both must be
passed; shipped models come to 5 % of the rate, the prepared failure to half of it.

Measured as KL(normal distribution with the moments of the aggregate posterior || prior). That of
the aggregate posterior itself is higher, since of all distributions with the same moments the
normal one has the most entropy.
"""

CLAMPED_SHARE = 0.05
"""Of log-variances that stand at the limit; shipped models: 0.007 at most."""

EXPLOSION = 2.0
"""An epoch's loss over that of a decoder that knows nothing; shipped models: 0.5 at most."""

RISE = 0.5
"""Of an epoch's loss above the best before it at the same beta; shipped models: 0.03 at most."""

GENERALISATION_GAP = 0.1
"""Of the test loss above the training loss, as a share of that; shipped models: 0.03 at most."""

KNOWS_NOTHING = math.log(2)
"""Nats for each pixel under the Bernoulli likelihood, where every pixel is decoded as grey."""


@dataclass(frozen=True)
class RunMeasurements:
    """What a run measured, as far as it tells how the run went."""

    model: ModelConfig
    train: TrainConfig
    epochs: Sequence[Mapping[str, Any]]
    """What metrics.jsonl holds."""

    test_loss: float
    """-ELBO on the test split, in nats per image."""

    inactive: tuple[int, ...]
    """Latent dimensions that are not active."""

    means: Float[np.ndarray, "n latent"]
    """Posterior means of the test split."""

    logvars: Float[np.ndarray, "n latent"]

    @classmethod
    def from_run(cls, run: Run) -> "RunMeasurements":
        """Those of a checkpoint; CheckpointError where its files are damaged."""
        atlas, results = load_atlas(run), run.results
        own = _of_trained_classes(run, atlas.label)
        return cls(
            run.model,
            run.train,
            load_metrics(run),
            -results.test_elbo,
            results.inactive,
            atlas.mean[own],
            atlas.logvar[own],
        )


@dataclass(frozen=True)
class HealthIssue(Record):
    """One thing that is wrong."""

    name: Name
    is_failure: bool
    """Whether the model is no good for it; the others are worth knowing."""

    value: float
    threshold: float
    sentence: str
    """What was found, and what to do."""


def check_measurements(measured: RunMeasurements) -> tuple[HealthIssue, ...]:
    """All that is wrong, failures first; empty for a model that is well."""
    found = [check(measured) for check in _CHECKS]
    return tuple(sorted((s for s in found if s is not None), key=lambda s: not s.is_failure))


def check_run(run: Run) -> tuple[HealthIssue, ...]:
    """The same of a checkpoint."""
    return check_measurements(RunMeasurements.from_run(run))


def diverged(message: str) -> HealthIssue:
    """A run that ended in DivergedError: its message says it all. One such loss is too many."""
    sentence = f"{message[:1].upper()}{message[1:]}."
    return HealthIssue("divergence", True, value=1, threshold=0, sentence=sentence)


def prior_gap(measured: RunMeasurements) -> float:
    """See PRIOR_GAP."""
    means = measured.means.astype(np.float64)
    variances = np.exp(measured.logvars.astype(np.float64)).mean(axis=0)
    covariance = np.atleast_2d(np.cov(means.T, bias=True)) + np.diag(variances)
    centre = means.mean(axis=0)
    volume = np.linalg.slogdet(covariance)[1]
    return float(0.5 * (centre @ centre + np.trace(covariance) - len(covariance) - volume))


def clamped_share(measured: RunMeasurements) -> float:
    """Of all log-variances, those that stand at the limit; they are stored in half precision."""
    return float((np.abs(measured.logvars) >= 0.999 * measured.model.logvar_limit).mean())


def _collapse(measured: RunMeasurements) -> HealthIssue | None:
    dead, latent = len(measured.inactive), measured.model.latent_dim
    if measured.model.kind == "vq" and dead < latent:
        # A place where all images are alike, say a corner, needs but one code.
        return None
    sentence = explain_collapse(measured.inactive, latent, measured.train)
    if sentence is None:
        return None
    is_whole = dead == latent
    name: Name = "collapse" if is_whole else "unused-dimensions"
    return HealthIssue(name, is_whole, dead, latent if is_whole else 1, sentence)


def _too_little_kl(measured: RunMeasurements) -> HealthIssue | None:
    # A model that undoes corruption meets test images of another kind than those it learnt from.
    if not measured.model.is_gaussian or measured.train.corruption:
        return None
    gap, beta = prior_gap(measured), measured.train.beta
    sentence = (
        f"The codes do not look like the prior: they lie {gap:.3g} nats from it, so that samples "
        f"from the prior come from places that the decoder never saw. To change that: raise beta "
        f"(now {beta:g}; 1 is the ELBO), or sample from a mixture fitted to the codes."
    )
    threshold = max(PRIOR_GAP, PRIOR_GAP_SHARE * _rate(measured))
    return _if_above("too-little-kl", gap, threshold, sentence)


def _explosion(measured: RunMeasurements) -> HealthIssue | None:
    # The rate of a grid of codes is constant: it only seems to rise while beta warms up.
    is_constant = measured.model.kind == "vq"
    losses = [epoch["distortion"] if is_constant else _loss(epoch) for epoch in measured.epochs]
    if not losses:
        return None
    ratio, worst = _against_nothing(measured, losses), int(np.argmax(losses))
    if ratio <= EXPLOSION:
        ratio, worst = _steepest_rise(measured.epochs)
        if ratio <= RISE:
            return None
    rate = measured.train.learning_rate
    sentence = (
        f"Training exploded: in epoch {worst + 1} the loss was {_told(losses[worst])} nats per "
        f"image, and it ended at {_told(losses[-1])}. To change that: lower the learning rate (now "
        f"{rate:g}, try {rate / 10:g}) or clip gradients at a smaller norm (now "
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
    # A mean over all betas of a range is no loss of the model at its own.
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
    """Which test images are of classes that training saw; see `vae.core.dataset_name`."""
    if not is_subset(run.train.dataset):
        return np.ones(len(labels), bool)
    return np.isin(labels, parse_class_subset(run.train.dataset, run.class_names).labels)


def _if_above(name: Name, value: float, threshold: float, sentence: str) -> HealthIssue | None:
    return HealthIssue(name, True, value, threshold, sentence) if value > threshold else None


def _told(nats: float) -> str:
    """Such as 27.3, 8,715,000 or 3.2e+15."""
    return f"{nats:,.0f}" if 1000 <= abs(nats) < 1e12 else f"{nats:.3g}"


def _loss(epoch: Mapping[str, Any]) -> float:
    """What training minimised, at the beta that the epoch ended at."""
    return epoch["distortion"] + epoch["beta"] * epoch["rate"]


def _against_nothing(measured: RunMeasurements, losses: Sequence[float]) -> float:
    """The worst loss over that of a grey image; 0 where a likelihood has no such bound."""
    if measured.model.likelihood != "bernoulli" or not measured.model.is_generative:
        return 0.0
    return max(losses) / (KNOWS_NOTHING * math.prod(measured.model.image_shape))


def _steepest_rise(epochs: Sequence[Mapping[str, Any]]) -> tuple[float, int]:
    """The largest rise above the best epoch before, as a share of that, and in which epoch.

    Epochs are compared at the later one's beta, so that a warm-up is no rise. A density's loss can
    pass through 0: there the first loss is the least that a rise is a share of.
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
    """KL(q(z|x) || p(z)) of a test image, in nats."""
    means, logvars = measured.means.astype(np.float64), measured.logvars.astype(np.float64)
    return float(gaussian_rate(means, logvars).mean())
