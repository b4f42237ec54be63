"""Computes the terms of the ELBO of many images as arrays, in nats.

Example:
    >>> terms = elbo_in_batches(explorer.elbo_terms, images, seed=0, batch=500)
    >>> terms.distortion.shape == terms.rate.shape == (len(images),)
    True
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from vae.explorer.inspection import ElboArrays

Terms = Callable[
    [Float[np.ndarray, "n h w c"], int, Int[np.ndarray, "n"] | None],
    ElboArrays,
]
"""A function of images, a seed and labels, such as `Explorer.elbo_terms`."""


def elbo_in_batches(
    terms: Terms,
    images: Float[np.ndarray, "n h w c"],
    seed: int,
    batch: int,
    labels: Int[np.ndarray, "n"] | None = None,
) -> ElboArrays:
    """Compute the terms of many images in batches, to limit the memory that they need.

    The seed of a batch is `seed` plus the index of its first image.
    """
    parts = []
    for start in range(0, len(images), batch):
        rows = slice(start, start + batch)
        parts.append(terms(images[rows], seed + start, None if labels is None else labels[rows]))
    return ElboArrays(
        np.concatenate([part.distortion for part in parts]),
        np.concatenate([part.rate_per_dimension for part in parts]),
    )


def gaussian_rate(
    mean: Float[np.ndarray, "n latent"], logvar: Float[np.ndarray, "n latent"]
) -> Float[np.ndarray, "n"]:
    """Return KL(Normal(mean, exp(logvar)) || Normal(0, 1)) of each row.

    The rate is infinite where a log-variance that nothing clamped overflows exp().
    """
    with np.errstate(over="ignore"):
        return 0.5 * (np.square(mean) + np.exp(logvar) - 1 - logvar).sum(axis=1)
