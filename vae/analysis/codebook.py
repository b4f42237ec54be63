"""The codebook of a VQ-VAE: which codes are used, and what a grid of them costs.

Named without knowing anything, each code costs ln(codes) nats: the uniform prior of the model.
A prior that was fitted to codes makes the frequent ones cheaper. Two are fitted here, both without
any dependence between places, to the even test images, and measured on the odd ones: one frequency
of each code for all places, and one for each place. An autoregressive prior would be cheaper still.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vae.core.errors import DataError
from vae.core.record import Record
from vae.explorer import Explorer

SMOOTHING = 0.5
"""Added to every count, so that a code that was not seen is not impossible (Jeffreys' prior)."""


@dataclass(frozen=True)
class Codebook(Record):
    """How a codebook is used by the codes of test images; bits per image."""

    codes: int
    """That there are."""

    places: int
    """In the grid of an image."""

    used: int
    """Codes that stand anywhere; the others are dead."""

    perplexity: float
    """exp of the entropy of the codes over all places: as many equally frequent ones."""

    bits_uniform: float
    """The rate of the model itself: log2(codes) for each place."""

    bits_marginal: float
    """Under one fitted frequency of each code, on images that it was not fitted to."""

    bits_by_place: float
    """Under fitted frequencies for each place, likewise."""

    distortion: float
    """-log p(x|z) of the test split, in nats per image."""

    elbo_uniform: float
    """-(distortion + rate) in nats under the model's own prior."""

    elbo_by_place: float
    """The same under the fitted frequencies for each place."""

    images: int
    """Whose codes were counted."""

    @property
    def dead(self) -> int:
        """Codes that stand nowhere."""
        return self.codes - self.used


def code_counts(maps: Int[np.ndarray, "n h w"], codes: int) -> Int[np.ndarray, "codes"]:
    """How often each code stands anywhere."""
    return np.bincount(maps.ravel(), minlength=codes)


def perplexity(counts: Int[np.ndarray, "codes"]) -> float:
    """exp(-sum p ln p) of the shares p; between 1 and the number of codes."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def measure_codebook(explorer: Explorer) -> Codebook:
    """Of the test images whose codes the checkpoint keeps.

    ConfigError where it has no codebook, DataError where there are fewer than two of them.
    """
    codes, results = len(explorer.codebook), explorer.run.results
    maps = explorer.code_grids(explorer.atlas.mean)
    if len(maps) < 2:
        raise DataError(
            f"{explorer.run.name} keeps the codes of {len(maps)} test image, and frequencies are "
            "fitted to one half of them and measured on the other; train on a data set with more"
        )
    counts, places = code_counts(maps, codes), maps[0].size
    by_place = bits_by_place(maps, codes)
    return Codebook(
        codes=codes,
        places=places,
        used=int((counts > 0).sum()),
        perplexity=perplexity(counts),
        bits_uniform=places * math.log2(codes),
        bits_marginal=bits_marginal(maps, codes),
        bits_by_place=by_place,
        distortion=results.test_distortion,
        elbo_uniform=results.test_elbo,
        elbo_by_place=-(results.test_distortion + by_place * math.log(2)),
        images=len(maps),
    )


def bits_marginal(maps: Int[np.ndarray, "n h w"], codes: int) -> float:
    """Mean cost of an odd image's grid under the frequencies in the even ones."""
    flat = maps.reshape(len(maps), -1)
    counts = np.bincount(flat[::2].ravel(), minlength=codes) + SMOOTHING
    cost = -np.log2(counts / counts.sum())
    return float(cost[flat[1::2]].sum(axis=1).mean())


def bits_by_place(maps: Int[np.ndarray, "n h w"], codes: int) -> float:
    """The same with frequencies for each place."""
    flat = maps.reshape(len(maps), -1)
    seen = flat[::2, :, None] == np.arange(codes)
    counts = seen.sum(axis=0) + SMOOTHING
    cost = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    return float(cost[np.arange(flat.shape[1]), flat[1::2]].sum(axis=1).mean())


def with_code(
    maps: Int[np.ndarray, "h w"], row: int, column: int, code: int
) -> Int[np.ndarray, "h w"]:
    """A copy of a grid that has another code at one place."""
    changed = maps.copy()
    changed[row, column] = code
    return changed


def code_order(vectors: Float[np.ndarray, "codes size"]) -> Int[np.ndarray, "codes"]:
    """Each code's rank along the direction in which the codebook varies most: its colour."""
    centred = vectors - vectors.mean(axis=0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.argsort(np.argsort(centred @ direction))
