"""Attribute arithmetic: a direction between two groups of images, and how far to trust it.

The direction is the difference of the groups' mean codes (Larsen et al. 2016; White 2016). Any two
groups have one, so three questions are put to it. Are the groups further apart than groups drawn
at random? Is the direction the same for other images of the same groups (bootstrap)? And do images
that are moved along it gain the attribute, measured anew on what is decoded, more than along
random directions of the same length?
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
"""Of the images, at either end of an attribute's range, make the two groups."""

MIN_GROUP = 10
SHUFFLES, RESAMPLES, RANDOM = 199, 200, 99
BASES = 30
"""Images that are moved along a direction."""

STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""How far each is moved, in lengths of the direction."""

CHANCE = 0.05
"""A share of chance results that are as good, above which a direction is no better than chance."""

MEASURED_AT_ONCE = 2000

Measure = Callable[[Float[np.ndarray, "n h w c"]], Float[np.ndarray, "n"]]


@dataclass(frozen=True)
class Groups:
    """Two groups of images, by their places in the test split."""

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
    """From one group's mean code to the other's, and how sure it is."""

    high_mean: tuple[float, ...]
    low_mean: tuple[float, ...]
    counts: tuple[int, int]
    """Images of the high and the low group."""

    cosine: float
    """Mean cosine between the directions of two resamples of the groups; 1 is certainty."""

    cosine_interval: tuple[float, float]
    """95 % of those cosines."""

    chance_cosine: float
    """The same mean where the images are dealt into groups at random."""

    apart_p: float
    """Share of random groupings whose means are at least as far apart."""

    @property
    def vector(self) -> Float[np.ndarray, "latent"]:
        """What is added to a code."""
        return np.array(self.high_mean) - np.array(self.low_mean)

    @property
    def length(self) -> float:
        """Distance of the means."""
        return float(np.linalg.norm(self.vector))


@dataclass(frozen=True)
class Effect(Record):
    """What moving images along a direction does to an attribute, measured on decoded images.

    The direction is that of one half of the groups; the images that are moved, and what they are
    compared with, are of the other half.
    """

    correlation: float
    """Spearman's, of how far an image was moved with its measured attribute, over all of them."""

    random: tuple[float, ...]
    """The same along random directions of the same length."""

    p: float
    """Share of random directions that do as well: (1 + as good ones) / (1 + all)."""

    steps: tuple[float, ...]
    """How far images were moved, in lengths of the direction."""

    curve: tuple[float, ...]
    """Mean of the attribute at each step."""

    random_curves: tuple[tuple[float, ...], ...]
    """The same along each random direction."""

    unit: str


@dataclass(frozen=True)
class AttributeFinding(Record):
    """A direction, its effect, and what speaks against it."""

    title: str
    high_name: str
    low_name: str
    direction: Direction
    effect: Effect
    doubts: tuple[str, ...]
    """A sentence for each test that it does no better at than chance."""


def measure_attribute(
    explorer: Explorer,
    gallery: Gallery,
    groups: Groups,
    attribute: Attribute | None = None,
    seed: int = 0,
) -> AttributeFinding:
    """The direction between two groups and its effect on the attribute.

    Without an attribute (classes, lassoed groups) it is the likeness to the high group's mean
    image: 0 at the low group's mean image, 1 at the high group's, along the line through both.
    """
    direction = find_direction(explorer.atlas.mean, groups, seed)
    effect = measure_effect(explorer, gallery, groups, attribute, seed)
    names = groups.title, groups.high_name, groups.low_name
    return AttributeFinding(*names, direction, effect, doubts(direction, effect))


def attribute_values(gallery: Gallery, attribute: Attribute) -> Float[np.ndarray, "n"]:
    """An attribute of every test image, or of its reconstruction where that is all there is."""
    places = np.arange(len(gallery.labels))
    parts = np.split(places, range(MEASURED_AT_ONCE, len(places), MEASURED_AT_ONCE))
    return np.concatenate([attribute.measure(gallery.images(part)) for part in parts])


def groups_by_value(attribute: Attribute, values: Float[np.ndarray, "n"]) -> Groups:
    """The quarters at both ends; DataError where there are too few images, or they are alike."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0 or np.ptp(values[known]) == 0:
        raise DataError(f"{attribute.title}: the images do not differ in it")
    order = known[np.argsort(values[known], kind="stable")]
    count = int(SHARE * len(order))
    names = f"{attribute.high} quarter", f"{attribute.low} quarter"
    return Groups(attribute.title, order[len(order) - count :], order[:count], *names)


def groups_by_class(labels: Int[np.ndarray, "n"], label: int, name: str) -> Groups:
    """A class and all others."""
    mine = labels == label
    rest = np.flatnonzero(~mine & (labels >= 0))
    return Groups(f"Class {name}", np.flatnonzero(mine), rest, f"class {name}", "other classes")


def groups_by_selection(among: Int[np.ndarray, "n"], chosen: Int[np.ndarray, "m"]) -> Groups:
    """Some images, and the others among those that they were chosen from."""
    rest = np.setdiff1d(among, chosen)
    return Groups("Your group", np.unique(chosen), rest, "your group", "the others")


def find_direction(codes: Float[np.ndarray, "n latent"], groups: Groups, seed: int) -> Direction:
    """The difference of mean codes, resampled and against random groupings."""
    generator = np.random.default_rng(seed)
    high, low = (codes[rows].astype(np.float64) for rows in (groups.high, groups.low))
    resampled = _resampled_mean(high, generator) - _resampled_mean(low, generator)
    cosines = _cosines(resampled[::2], resampled[1::2])
    shuffled, pairs = _shuffled(np.concatenate([high, low]), len(high), generator)
    apart = np.linalg.norm(high.mean(axis=0) - low.mean(axis=0))
    interval = np.quantile(cosines, [0.025, 0.975])
    return Direction(
        tuple(high.mean(axis=0).tolist()),
        tuple(low.mean(axis=0).tolist()),
        (len(high), len(low)),
        float(cosines.mean()),
        (float(interval[0]), float(interval[1])),
        float(pairs.mean()),
        permutation_p(float(apart), np.linalg.norm(shuffled, axis=1)),
    )


def measure_effect(
    explorer: Explorer, gallery: Gallery, groups: Groups, attribute: Attribute | None, seed: int
) -> Effect:
    """Move images along the direction and along random ones, decode, and measure again."""
    generator = np.random.default_rng(seed)
    (high, other_high), (low, other_low) = (
        np.array_split(generator.permutation(rows), 2) for rows in (groups.high, groups.low)
    )
    codes = explorer.atlas.mean.astype(np.float64)
    vector = codes[high].mean(axis=0) - codes[low].mean(axis=0)
    measure = attribute.measure if attribute else likeness(gallery, other_high, other_low)
    bases = generator.permutation(np.concatenate([other_high, other_low]))[:BASES]
    found, *random = (
        _moved(explorer, bases, each, measure)
        for each in (vector, *_random_directions(codes, float(np.linalg.norm(vector)), generator))
    )
    correlations = [_correlation(values) for values in random]
    return Effect(
        _correlation(found),
        tuple(correlations),
        permutation_p(_correlation(found), np.array(correlations)),
        STEPS,
        _curve(found),
        tuple(map(_curve, random)),
        attribute.unit if attribute else "likeness",
    )


def likeness(gallery: Gallery, high: Int[np.ndarray, "n"], low: Int[np.ndarray, "m"]) -> Measure:
    """How far a picture stands from one group's mean picture (0) to the other's (1)."""
    near, far = (_mean_image(gallery, rows) for rows in (low, high))
    axis = (far - near) / max(float(((far - near) ** 2).sum()), 1e-12)

    def measure(images: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n"]:
        return np.tensordot(images.astype(np.float64) - near, axis, axes=3)

    return measure


def doubts(direction: Direction, effect: Effect) -> tuple[str, ...]:
    """What the direction does no better than chance, a sentence each."""
    found = []
    if direction.apart_p > CHANCE:
        found.append(
            "The mean codes of the two groups are no further apart than those of random groups: "
            f"{direction.apart_p:.0%} of these are as far."
        )
    if effect.p > CHANCE:
        found.append(
            f"{effect.p:.0%} of random directions of the same length change what is decoded as "
            "much."
        )
    return tuple(found)


def permutation_p(value: float, chance: Float[np.ndarray, "n"]) -> float:
    """The share of chance results at least as large, the value itself counted among them."""
    return float((1 + np.sum(chance >= value - 1e-12)) / (1 + len(chance)))


def attribute_groups(gallery: Gallery, name: str) -> tuple[Groups, Attribute | None]:
    """The groups that a name asks for: of `ink.ATTRIBUTES`, or `class:` and a class's name.

    DataError for a name that means nothing here, or groups that are too small.
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
    """Directions of random groupings; and cosines between two resamples of each of some."""
    directions, cosines = [], []
    for place in range(SHUFFLES):
        order = generator.permutation(len(codes))
        parts = codes[order[:high]], codes[order[high:]]
        directions.append(parts[0].mean(axis=0) - parts[1].mean(axis=0))
        if place < RESAMPLES // 4:
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
    """Spread as differences of random groups' means are: as the codes themselves."""
    centred = codes - codes.mean(axis=0)
    for _ in range(RANDOM):
        drawn = generator.standard_normal(len(codes)) @ centred
        yield drawn * (length / max(float(np.linalg.norm(drawn)), 1e-12))


def _moved(
    explorer: Explorer,
    bases: Int[np.ndarray, "bases"],
    vector: Float[np.ndarray, "latent"],
    measure: Measure,
) -> Float[np.ndarray, "bases steps"]:
    """What is measured on each image at each step along a direction."""
    starts = explorer.atlas.mean[bases].astype(np.float64)
    codes = starts[:, None] + np.array(STEPS)[:, None] * vector
    labels = np.repeat(explorer.atlas.label[bases], len(STEPS))
    images = explorer.decode(codes.reshape(-1, codes.shape[2]), labels)
    return measure(images).reshape(len(bases), len(STEPS))


def _correlation(values: Float[np.ndarray, "bases steps"]) -> float:
    """Spearman's, over all images and steps at once; 0 where nothing changes."""
    from scipy.stats import rankdata

    steps = np.broadcast_to(STEPS, values.shape)[np.isfinite(values)]
    known = values[np.isfinite(values)]
    if len(known) < 3 or np.ptp(known) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(steps), rankdata(known))[0, 1])


def _curve(values: Float[np.ndarray, "bases steps"]) -> tuple[float, ...]:
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    return tuple((np.where(known, values, 0).sum(axis=0) / counts).tolist())


def _mean_image(gallery: Gallery, rows: Int[np.ndarray, "n"]) -> Float[np.ndarray, "h w c"]:
    return gallery.images(rows[:MEASURED_AT_ONCE]).mean(axis=0, dtype=np.float64)
