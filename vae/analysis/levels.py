"""Measures the levels of a hierarchical VAE: what each level encodes, and whether they pay off.

Codes are in the noise coordinates of `vae.models.ladder`, the top level first. Keeping the first
numbers therefore keeps the upper levels, and resampling the rest samples p(z below | z above).

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-ladder")
    >>> [round(rate, 1) for rate in rate_by_level(explorer.run)]
    [3.3, 18.2]
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> measure_held_levels(explorer, classifier).same_class
    (0.135,)
"""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from jaxtyping import Float

from vae.analysis.elbo_arrays import elbo_in_batches
from vae.analysis.eval_classifier import EvalClassifier
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.runs.run import Run

BATCH = 500
"""Number of images whose bounds are computed at once."""

REACH = 2.5
"""Half the length of a traversal, in standard deviations of the prior."""


@dataclass(frozen=True)
class Bounds(Record):
    """Bounds on the likelihood of images under one model, in nats per image."""

    distortion: float
    rate: float
    elbo: float
    """The ELBO with one posterior sample per image."""

    log_likelihood: float
    """The importance-weighted estimate (Burda et al. 2016) with `importance_samples` each."""

    importance_samples: int
    images: int
    parameters: int
    """Number of trained parameters."""


@dataclass(frozen=True)
class HeldLevels(Record):
    """How much of a sample stays when the levels below some level are resampled."""

    same_class: tuple[float, ...]
    """Share of pairs in the same class, by the number of upper levels that both share (1, 2, …)."""

    chance: float
    """Share of pairs in the same class when they share no level."""

    count: int
    """Number of pairs."""


def level_sizes(run: Run) -> tuple[int, ...]:
    """Return the dimensions of each level, the top first.

    Raises ConfigError for a model with a single level.
    """
    if not run.model.levels:
        raise ConfigError(f"{run.name} has one level; choose a model trained with --model ladder")
    return run.model.levels


def rate_by_level(run: Run) -> tuple[float, ...]:
    """Return the test rate of each level, the top first, in nats per image."""
    rates = run.results.test_rate_per_dimension
    return tuple(float(np.sum(rates[part])) for part in _parts(level_sizes(run)))


def active_by_level(run: Run) -> tuple[int, ...]:
    """Return the number of active units of each level (Burda et al. 2016)."""
    active = [i not in run.results.inactive for i in range(run.model.latent_dim)]
    return tuple(sum(active[part]) for part in _parts(level_sizes(run)))


def leading_dimensions(run: Run) -> tuple[int, ...]:
    """Return the dimension with the highest rate in each level, as an index into the code."""
    rates = np.asarray(run.results.test_rate_per_dimension)
    return tuple(part.start + int(rates[part].argmax()) for part in _parts(level_sizes(run)))


def traversals(
    run: Run, code: Float[np.ndarray, "latent"], steps: int
) -> Float[np.ndarray, "levels steps latent"]:
    """Return a traversal for each level: its leading dimension goes from -REACH to REACH."""
    rows = np.tile(code, (len(level_sizes(run)), steps, 1))
    for row, dimension in zip(rows, leading_dimensions(run), strict=True):
        row[:, dimension] = np.linspace(-REACH, REACH, steps)
    return rows


def resample_below(
    run: Run, held: int, rows: int, columns: int, seed: int
) -> Float[np.ndarray, "rows columns latent"]:
    """Sample the prior so that the codes of a row share the `held` upper levels.

    With `held` equal to 0 all codes are independent.
    """
    sizes = level_sizes(run)
    generator = np.random.default_rng(seed)
    upper = generator.standard_normal((rows, 1, sum(sizes[:held])))
    lower = generator.standard_normal((rows, columns, sum(sizes[held:])))
    return np.concatenate([upper.repeat(columns, axis=1), lower], axis=2).astype(np.float32)


def measure_held_levels(
    explorer: Explorer, classifier: EvalClassifier, count: int = 1000, seed: int = 0
) -> HeldLevels:
    """Classify pairs of samples that share their upper levels."""
    levels = len(level_sizes(explorer.run))
    shares = [
        _same_class(explorer, classifier, resample_below(explorer.run, held, count, 2, seed))
        for held in range(levels)
    ]
    return HeldLevels(tuple(shares[1:]), shares[0], count)


def measure_bounds(
    explorer: Explorer,
    images: Float[np.ndarray, "n h w c"],
    samples: int = 100,
    seed: int = 0,
) -> Bounds:
    """Measure the ELBO's terms and the likelihood of images.

    Raises ConfigError for a model whose codes have no rate.
    """
    if not explorer.run.model.has_rate:
        raise ConfigError(f"{explorer.run.name} has no rate and so no ELBO; choose another model")
    terms = elbo_in_batches(explorer.elbo_terms, images, seed, BATCH)
    likelihoods = [
        explorer.log_likelihood(images[start : start + BATCH], samples, seed + start)
        for start in range(0, len(images), BATCH)
    ]
    distortion, rate = (
        float(values.mean(dtype=np.float64)) for values in (terms.distortion, terms.rate)
    )
    return Bounds(
        distortion=distortion,
        rate=rate,
        elbo=-(distortion + rate),
        log_likelihood=float(np.concatenate(likelihoods).mean(dtype=np.float64)),
        importance_samples=samples,
        images=len(images),
        parameters=explorer.parameter_count,
    )


def _same_class(
    explorer: Explorer, classifier: EvalClassifier, pairs: Float[np.ndarray, "n 2 latent"]
) -> float:
    """Return the share of pairs whose two images are in the same class."""
    first, second = (classifier.labels(explorer.decode(codes)) for codes in pairs.swapaxes(0, 1))
    return float((first == second).mean())


def _parts(sizes: tuple[int, ...]) -> list[slice]:
    """Return the part of the code that belongs to each level."""
    ends = list(accumulate(sizes))
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
