"""Codes whose factors are known, made on the spot."""

import numpy as np


def random_factors(rows, sizes=(5, 6, 8), seed=0):
    """Independent factors, a column for each size."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(0, size, rows) for size in sizes], axis=1)


def perfect_code(factors):
    """A latent for each factor, standardised."""
    return (factors - factors.mean(axis=0)) / factors.std(axis=0)


def noise(rows, latents=4, seed=1):
    """Latents that know nothing."""
    return np.random.default_rng(seed).normal(size=(rows, latents))
