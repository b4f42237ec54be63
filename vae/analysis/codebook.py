"""Measures the codebook of a VQ-VAE: how many codes are used, and the bits of a grid of them.

Under the model's uniform prior each code costs ln(codes) nats. A prior that is fitted to codes
makes the frequent codes cheaper. This module fits two priors to the codes of every other test image
and measures them on the remaining images. The first has one frequency for each code; the second
has frequencies for each position of the grid. Both treat positions as independent, so an
autoregressive prior would be cheaper still.

Example:
    >>> found = measure_codebook(Explorer.open("checkpoints/mnist-vq"))
    >>> found.used, found.bits_uniform, round(found.bits_by_place)
    (64, 294.0, 130)
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vae.core.errors import DataError
from vae.core.record import Record
from vae.explorer import Explorer

SMOOTHING = 0.5
"""Added to every count, so that an unseen code keeps some probability (Jeffreys' prior)."""

Grids = Int[np.ndarray, "n h w"]


@dataclass(frozen=True)
class Codebook(Record):
    """How the codes of test images use a codebook; rates are in bits per image."""

    codes: int
    """Number of codes in the codebook."""

    places: int
    """Number of positions in the grid of an image."""

    used: int
    """Number of codes that occur; the others are dead."""

    perplexity: float
    """exp of the entropy of the codes at all positions: the effective number of codes."""

    bits_uniform: float
    """The model's own rate: log2(codes) for each position."""

    bits_marginal: float
    """The rate under one fitted frequency for each code, on images that were not fitted."""

    bits_by_place: float
    """The rate under fitted frequencies for each position, on images that were not fitted."""

    distortion: float
    """-log p(x|z) of the test split, in nats per image."""

    elbo_uniform: float
    """-(distortion + rate) in nats, under the model's own prior."""

    elbo_by_place: float
    """The same under the fitted frequencies for each position."""

    images: int
    """Number of images whose codes were counted."""

    @property
    def dead(self) -> int:
        """Number of codes that never occur."""
        return self.codes - self.used


def code_counts(grids: Int[np.ndarray, "..."], codes: int) -> Int[np.ndarray, "codes"]:
    """Count how often each code occurs at any position."""
    return np.bincount(grids.ravel(), minlength=codes)


def perplexity(counts: Int[np.ndarray, "codes"]) -> float:
    """Return exp(-sum p ln p) of the shares p; between 1 and the number of codes."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def measure_codebook(explorer: Explorer) -> Codebook:
    """Measure the codes of the test images that the checkpoint holds.

    Raises ConfigError for a model without a codebook and DataError for fewer than two images.
    """
    codes, results = len(explorer.codebook), explorer.run.results
    grids = explorer.code_grids(explorer.atlas.mean)
    if len(grids) < 2:
        raise DataError(
            f"{explorer.run.name} holds the codes of {len(grids)} test image, but fitting and "
            "measuring frequencies takes two; train on a data set with more test images"
        )
    counts, places = code_counts(grids, codes), grids[0].size
    by_place = bits_by_place(grids, codes)
    return Codebook(
        codes=codes,
        places=places,
        used=int((counts > 0).sum()),
        perplexity=perplexity(counts),
        bits_uniform=places * math.log2(codes),
        bits_marginal=bits_marginal(grids, codes),
        bits_by_place=by_place,
        distortion=results.test_distortion,
        elbo_uniform=results.test_elbo,
        elbo_by_place=-(results.test_distortion + by_place * math.log(2)),
        images=len(grids),
    )


def bits_marginal(grids: Grids, codes: int) -> float:
    """Return the mean bits of images 1, 3, … under the code frequencies of images 0, 2, …"""
    flat = grids.reshape(len(grids), -1)
    counts = code_counts(flat[::2], codes) + SMOOTHING
    cost = -np.log2(counts / counts.sum())
    return float(cost[flat[1::2]].sum(axis=1).mean())


def bits_by_place(grids: Grids, codes: int) -> float:
    """Return the same as `bits_marginal`, with separate frequencies for each position."""
    flat = grids.reshape(len(grids), -1)
    occurs = flat[::2, :, None] == np.arange(codes)
    counts = occurs.sum(axis=0) + SMOOTHING
    cost = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    return float(cost[np.arange(flat.shape[1]), flat[1::2]].sum(axis=1).mean())


def with_code(
    grid: Int[np.ndarray, "h w"], row: int, column: int, code: int
) -> Int[np.ndarray, "h w"]:
    """Return a copy of a grid with another code at one position."""
    changed = grid.copy()
    changed[row, column] = code
    return changed


def code_order(vectors: Float[np.ndarray, "codes size"]) -> Int[np.ndarray, "codes"]:
    """Rank the codes along the direction in which the codebook varies most; charts colour by it."""
    centred = vectors - vectors.mean(axis=0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.argsort(np.argsort(centred @ direction))
