"""Finds the latent direction of an attribute, and tests whether it is better than chance.

The direction is the difference of the mean codes of two groups of images (Larsen et al. 2016; White
2016). Any two groups have one, so three tests follow:

1. Are the groups further apart than random groups (permutation test)?
2. Is the direction the same for other images of the same groups (bootstrap)?
3. Does the attribute, measured on decoded images, change more along the direction than along random
   directions of the same length?

Example:
    >>> groups, attribute = attribute_groups(gallery, "thickness")
    >>> found = measure_attribute(gallery.explorer, gallery, groups, attribute)
    >>> round(found.direction.cosine, 3), found.effect.p
    (0.996, 0.25)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vae.core.errors import DataError
from vae.core.record import Record
from vae.explorer import Explorer
from vae.explorer.gallery import Gallery
from vae.metrics.morphology import ATTRIBUTES, Attribute

SHARE = 0.25
"""Share of the images, at either end of an attribute's range, in each group."""

MIN_GROUP = 10
"""Smallest number of images in a group."""

SHUFFLES, RESAMPLES, RANDOM = 199, 200, 99
"""Numbers of random groupings, bootstrap resamples and random directions."""

BASES = 30
"""Number of images that are moved along a direction."""

STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Distances that each image is moved, in lengths of the direction."""

CHANCE = 0.05
"""Largest p-value at which a direction counts as better than chance."""

MEASURED_AT_ONCE = 2000
"""Number of images whose attribute is measured at once."""

Measure = Callable[[Float[np.ndarray, "n h w c"]], Float[np.ndarray, "n"]]
"""Measures an attribute of images."""


@dataclass(frozen=True)
class Groups:
    """Two groups of images, as indices into the test split."""

    title: str
    high: Int[np.ndarray, "n"]
    low: Int[np.ndarray, "m"]
    high_name: str
    low_name: str

    def __post_init__(self) -> None:
        smaller = min(len(self.high), len(self.low))
        if smaller < MIN_GROUP:
            raise DataError(
                f"{self.title}: a group of {smaller} images is too small for a direction; "
                f"{MIN_GROUP} or more are needed in both"
            )


@dataclass(frozen=True)
class Direction(Record):
    """The difference of two mean codes, and its uncertainty."""

    high_mean: tuple[float, ...]
    low_mean: tuple[float, ...]
    counts: tuple[int, int]
    """Number of images in the high and the low group."""

    cosine: float
    """Mean cosine between the directions of two resamples of the groups; 1 is certain."""

    cosine_interval: tuple[float, float]
    """95 % interval of these cosines."""

    chance_cosine: float
    """Mean cosine when the images are assigned to groups at random."""

    apart_p: float
    """p-value: share of random groupings whose means are at least as far apart."""

    @property
    def vector(self) -> Float[np.ndarray, "latent"]:
        """The direction itself: the high mean minus the low mean."""
        return np.array(self.high_mean) - np.array(self.low_mean)

    @property
    def length(self) -> float:
        """The distance of the means."""
        return float(np.linalg.norm(self.vector))


@dataclass(frozen=True)
class Effect(Record):
    """How an attribute changes along a direction, measured on decoded images.

    One half of the groups defines the direction; the images that are moved and compared belong to
    the other half.
    """

    correlation: float
    """Spearman correlation of the distance with the attribute, over all images and steps."""

    random: tuple[float, ...]
    """The correlations along random directions of the same length."""

    p: float
    """p-value: (1 + random directions with at least this correlation) / (1 + all of them)."""

    steps: tuple[float, ...]
    """Distances that images are moved, in lengths of the direction."""

    curve: tuple[float, ...]
    """Mean attribute at each step."""

    random_curves: tuple[tuple[float, ...], ...]
    """Mean attribute at each step along each random direction."""

    unit: str


@dataclass(frozen=True)
class AttributeFinding(Record):
    """A direction, its effect, and the tests that it fails."""

    title: str
    high_name: str
    low_name: str
    direction: Direction
    effect: Effect
    doubts: tuple[str, ...]
    """A sentence for each test in which the direction is no better than chance."""


def measure_attribute(
    explorer: Explorer,
    gallery: Gallery,
    groups: Groups,
    attribute: Attribute | None = None,
    seed: int = 0,
) -> AttributeFinding:
    """Measure the direction between two groups and its effect on an attribute.

    Without an attribute (for classes and lassoed groups), the effect is measured on the likeness to
    the high group's mean image: 0 at the low group's mean image and 1 at the high group's.
    """
    direction = find_direction(explorer.atlas.mean, groups, seed)
    effect = measure_effect(explorer, gallery, groups, attribute, seed)
    return AttributeFinding(
        title=groups.title,
        high_name=groups.high_name,
        low_name=groups.low_name,
        direction=direction,
        effect=effect,
        doubts=doubts(direction, effect),
    )


def attribute_values(gallery: Gallery, attribute: Attribute) -> Float[np.ndarray, "n"]:
    """Measure an attribute of every test image, or of its reconstruction without the data set."""
    indices = np.arange(len(gallery.labels))
    parts = np.split(indices, range(MEASURED_AT_ONCE, len(indices), MEASURED_AT_ONCE))
    return np.concatenate([attribute.measure(gallery.images(part)) for part in parts])


def groups_by_value(attribute: Attribute, values: Float[np.ndarray, "n"]) -> Groups:
    """Return the quarters at both ends; raises DataError for too few images or equal values."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0 or np.ptp(values[known]) == 0:
        raise DataError(f"{attribute.title}: the images do not differ in it")
    order = known[np.argsort(values[known], kind="stable")]
    count = int(SHARE * len(order))
    names = f"{attribute.high} quarter", f"{attribute.low} quarter"
    return Groups(attribute.title, order[len(order) - count :], order[:count], *names)


def groups_by_class(labels: Int[np.ndarray, "n"], label: int, name: str) -> Groups:
    """Return a class, and all other classes."""
    mine = labels == label
    rest = np.flatnonzero(~mine & (labels >= 0))
    return Groups(f"Class {name}", np.flatnonzero(mine), rest, f"class {name}", "other classes")


def groups_by_selection(offered: Int[np.ndarray, "n"], selected: Int[np.ndarray, "m"]) -> Groups:
    """Return the selected images, and the others that were offered."""
    rest = np.setdiff1d(offered, selected)
    return Groups("Your group", np.unique(selected), rest, "your group", "the others")


def find_direction(codes: Float[np.ndarray, "n latent"], groups: Groups, seed: int) -> Direction:
    """Return the difference of mean codes, with its bootstrap and its permutation test."""
    generator = np.random.default_rng(seed)
    high, low = (codes[rows].astype(np.float64) for rows in (groups.high, groups.low))
    resampled = _resampled_mean(high, generator) - _resampled_mean(low, generator)
    cosines = _cosines(resampled[::2], resampled[1::2])
    shuffled, pairs = _shuffled(np.concatenate([high, low]), len(high), generator)
    apart = np.linalg.norm(high.mean(axis=0) - low.mean(axis=0))
    interval = np.quantile(cosines, [0.025, 0.975])
    return Direction(
        high_mean=tuple(high.mean(axis=0).tolist()),
        low_mean=tuple(low.mean(axis=0).tolist()),
        counts=(len(high), len(low)),
        cosine=float(cosines.mean()),
        cosine_interval=(float(interval[0]), float(interval[1])),
        chance_cosine=float(pairs.mean()),
        apart_p=permutation_p(float(apart), np.linalg.norm(shuffled, axis=1)),
    )


def measure_effect(
    explorer: Explorer, gallery: Gallery, groups: Groups, attribute: Attribute | None, seed: int
) -> Effect:
    """Move images along the direction and along random ones, decode them and measure them."""
    generator = np.random.default_rng(seed)
    (high, other_high), (low, other_low) = (
        np.array_split(generator.permutation(rows), 2) for rows in (groups.high, groups.low)
    )
    codes = explorer.atlas.mean.astype(np.float64)
    vector = codes[high].mean(axis=0) - codes[low].mean(axis=0)
    measure = attribute.measure if attribute else likeness(gallery, other_high, other_low)
    bases = generator.permutation(np.concatenate([other_high, other_low]))[:BASES]
    length = float(np.linalg.norm(vector))
    values, *random = (
        _values_along(explorer, bases, each, measure)
        for each in (vector, *_random_directions(codes, length, generator))
    )
    correlations = tuple(map(_correlation, random))
    return Effect(
        correlation=_correlation(values),
        random=correlations,
        p=permutation_p(_correlation(values), np.array(correlations)),
        steps=STEPS,
        curve=_curve(values),
        random_curves=tuple(map(_curve, random)),
        unit=attribute.unit if attribute else "likeness",
    )


def likeness(gallery: Gallery, high: Int[np.ndarray, "n"], low: Int[np.ndarray, "m"]) -> Measure:
    """Return a measure of images: 0 at the low group's mean image, 1 at the high group's."""
    near, far = (_mean_image(gallery, rows) for rows in (low, high))
    axis = (far - near) / max(float(((far - near) ** 2).sum()), 1e-12)

    def measure(images: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n"]:
        return np.tensordot(images.astype(np.float64) - near, axis, axes=3)

    return measure


def doubts(direction: Direction, effect: Effect) -> tuple[str, ...]:
    """Return a sentence for each test in which a direction is no better than chance."""
    found = []
    if direction.apart_p > CHANCE:
        found.append(
            "The mean codes of the two groups are no further apart than those of random groups: "
            f"{direction.apart_p:.0%} of these are as far apart."
        )
    if effect.p > CHANCE:
        found.append(
            f"{effect.p:.0%} of random directions of the same length change the decoded images as "
            "much."
        )
    return tuple(found)


def permutation_p(value: float, chance: Float[np.ndarray, "n"]) -> float:
    """Return the share of chance results at least as large as a value, which counts as one."""
    return float((1 + np.sum(chance >= value - 1e-12)) / (1 + len(chance)))


def attribute_groups(gallery: Gallery, name: str) -> tuple[Groups, Attribute | None]:
    """Return the groups of a name in `morphology.ATTRIBUTES`, or of `class:` and a class's name.

    Raises DataError for an unknown name and for groups that are too small.
    """
    if name in ATTRIBUTES:
        attribute = ATTRIBUTES[name]
        return groups_by_value(attribute, attribute_values(gallery, attribute)), attribute
    names = list(gallery.class_names)
    wanted = name.removeprefix("class:")
    if not name.startswith("class:") or wanted not in names:
        classes = f", or class: and one of {', '.join(names)}" if names else ""
        raise DataError(f"there is no attribute {name!r}; choose {', '.join(ATTRIBUTES)}{classes}")
    return groups_by_class(gallery.labels, names.index(wanted), wanted), None


def _resampled_mean(
    codes: Float[np.ndarray, "n latent"], generator: np.random.Generator
) -> Float[np.ndarray, "resamples latent"]:
    count = len(codes)
    weights = generator.multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return weights @ codes / count


def _shuffled(
    codes: Float[np.ndarray, "n latent"], high: int, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "shuffles latent"], Float[np.ndarray, "pairs"]]:
    """Return directions of random groupings, and cosines of two resamples for some of them."""
    directions, cosines = [], []
    for index in range(SHUFFLES):
        order = generator.permutation(len(codes))
        parts = codes[order[:high]], codes[order[high:]]
        directions.append(parts[0].mean(axis=0) - parts[1].mean(axis=0))
        if index < RESAMPLES // 4:
            first, second = (_one_resample(parts, generator) for _ in range(2))
            cosines.append(_cosines(first[None], second[None])[0])
    return np.array(directions), np.array(cosines)


def _one_resample(
    parts: tuple[np.ndarray, np.ndarray], generator: np.random.Generator
) -> Float[np.ndarray, "latent"]:
    high, low = (part[generator.integers(len(part), size=len(part))] for part in parts)
    return high.mean(axis=0) - low.mean(axis=0)


def _cosines(
    first: Float[np.ndarray, "n latent"], second: Float[np.ndarray, "n latent"]
) -> Float[np.ndarray, "n"]:
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(axis=1) / np.maximum(lengths, 1e-12)


def _random_directions(
    codes: Float[np.ndarray, "n latent"], length: float, generator: np.random.Generator
) -> Iterator[Float[np.ndarray, "latent"]]:
    """Yield random directions that are distributed as the codes are, like random groups' means."""
    centred = codes - codes.mean(axis=0)
    for _ in range(RANDOM):
        direction = generator.standard_normal(len(codes)) @ centred
        yield direction * (length / max(float(np.linalg.norm(direction)), 1e-12))


def _values_along(
    explorer: Explorer,
    bases: Int[np.ndarray, "bases"],
    vector: Float[np.ndarray, "latent"],
    measure: Measure,
) -> Float[np.ndarray, "bases steps"]:
    """Measure each image at each step along a direction."""
    starts = explorer.atlas.mean[bases].astype(np.float64)
    codes = starts[:, None] + np.array(STEPS)[:, None] * vector
    labels = np.repeat(explorer.atlas.label[bases], len(STEPS))
    images = explorer.decode(codes.reshape(-1, codes.shape[2]), labels)
    return measure(images).reshape(len(bases), len(STEPS))


def _correlation(values: Float[np.ndarray, "bases steps"]) -> float:
    """Return the Spearman correlation over all images and steps; 0 when nothing changes."""
    from scipy.stats import rankdata

    steps = np.broadcast_to(STEPS, values.shape)[np.isfinite(values)]
    known = values[np.isfinite(values)]
    if len(known) < 3 or np.ptp(known) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(steps), rankdata(known))[0, 1])


def _curve(values: Float[np.ndarray, "bases steps"]) -> tuple[float, ...]:
    """Return the mean value at each step, without the values that are not finite."""
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    return tuple((np.where(known, values, 0).sum(axis=0) / counts).tolist())


def _mean_image(gallery: Gallery, rows: Int[np.ndarray, "n"]) -> Float[np.ndarray, "h w c"]:
    return gallery.images(rows[:MEASURED_AT_ONCE]).mean(axis=0, dtype=np.float64)
