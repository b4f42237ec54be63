"""Levels: what each level of a hierarchical VAE says, and whether the hierarchy pays.

Codes are in the noise coordinates of `vae.models.ladder`, the top level first: what is above is
held by holding the first numbers, and a fresh draw of the rest is one from p(z below | z above).
"""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from jaxtyping import Float, Int

from vae.analysis.eval_classifier import EvalClassifier
from vae.core.errors import ConfigError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.runs.run import Run

BATCH = 500
REACH = 2.5
"""How far a traversal goes to either side, in standard deviations of the prior."""


@dataclass(frozen=True)
class Bounds(Record):
    """What a model makes of the same images, in nats per image."""

    distortion: float
    rate: float
    elbo: float
    """With one posterior sample per image."""

    log_likelihood: float
    """The importance-weighted estimate (Burda et al. 2016) with `importance_samples` each."""

    importance_samples: int
    images: int
    parameters: int
    """Numbers that training found."""


@dataclass(frozen=True)
class HeldLevels(Record):
    """What stays of a sample when the levels below some are drawn again."""

    same_class: tuple[float, ...]
    """By how many levels are held (1, 2, …): share of redraws put in the same class."""

    chance: float
    """The same of samples that hold nothing."""

    count: int
    """Pairs of each."""


def level_sizes(run: Run) -> tuple[int, ...]:
    """Dimensions of each level, the top first; ConfigError where a model has one level only."""
    if not run.model.levels:
        raise ConfigError(f"{run.name} has one level; choose a model trained with --model ladder")
    return run.model.levels


def rate_by_level(run: Run) -> tuple[float, ...]:
    """Test rate of each level, the top first, in nats per image."""
    rates = run.results.test_rate_per_dimension
    return tuple(float(np.sum(rates[part])) for part in _parts(level_sizes(run)))


def active_by_level(run: Run) -> tuple[int, ...]:
    """Active dimensions of each level, by Burda's criterion."""
    active = [i not in run.results.inactive for i in range(run.model.latent_dim)]
    return tuple(sum(active[part]) for part in _parts(level_sizes(run)))


def leading_dimensions(run: Run) -> tuple[int, ...]:
    """The dimension of each level that has the highest rate, counted over all levels."""
    rates = np.asarray(run.results.test_rate_per_dimension)
    return tuple(part.start + int(rates[part].argmax()) for part in _parts(level_sizes(run)))


def traversals(
    run: Run, code: Float[np.ndarray, "latent"], steps: int
) -> Float[np.ndarray, "levels steps latent"]:
    """A row for each level: its leading dimension goes from -REACH to REACH, the rest is held."""
    rows = np.tile(code, (len(level_sizes(run)), steps, 1))
    for row, dimension in zip(rows, leading_dimensions(run), strict=True):
        row[:, dimension] = np.linspace(-REACH, REACH, steps)
    return rows


def resample_below(
    run: Run, held: int, rows: int, columns: int, seed: int
) -> Float[np.ndarray, "rows columns latent"]:
    """Draws from the prior: in a row the `held` upper levels are alike, the others drawn afresh.

    With 0 held every draw is its own.
    """
    sizes = level_sizes(run)
    generator = np.random.default_rng(seed)
    upper = generator.standard_normal((rows, 1, sum(sizes[:held])))
    lower = generator.standard_normal((rows, columns, sum(sizes[held:])))
    return np.concatenate([upper.repeat(columns, axis=1), lower], axis=2).astype(np.float32)


def measure_held_levels(
    explorer: Explorer, classifier: EvalClassifier, count: int = 1000, seed: int = 0
) -> HeldLevels:
    """Draw pairs of samples that share the upper levels, and classify both."""
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
    """The ELBO's terms and the likelihood of some images; ConfigError for codes without a rate."""
    if not explorer.run.model.has_rate:
        raise ConfigError(f"{explorer.run.name} has no rate and so no ELBO; choose another model")
    distortion, rate, likelihood = np.zeros((3, len(images)))
    for start in range(0, len(images), BATCH):
        rows = slice(start, start + BATCH)
        terms = explorer.elbo_terms(images[rows], seed + start)
        distortion[rows], rate[rows] = terms.distortion, terms.rate
        likelihood[rows] = explorer.log_likelihood(images[rows], samples, seed + start)
    means = [float(values.mean()) for values in (distortion, rate, likelihood)]
    return Bounds(
        distortion=means[0],
        rate=means[1],
        elbo=-(means[0] + means[1]),
        log_likelihood=means[2],
        importance_samples=samples,
        images=len(images),
        parameters=explorer.parameter_count,
    )


def _same_class(
    explorer: Explorer, classifier: EvalClassifier, pairs: Float[np.ndarray, "n 2 latent"]
) -> float:
    labels: Int[np.ndarray, "n 2"] = np.stack(
        [classifier.labels(explorer.decode(codes)) for codes in pairs.swapaxes(0, 1)], axis=1
    )
    return float((labels[:, 0] == labels[:, 1]).mean())


def _parts(sizes: tuple[int, ...]) -> list[slice]:
    ends = list(accumulate(sizes))
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
