"""The records that an explorer returns for images: the ELBO's terms, and one image's inspection.

Example:
    found = explorer.inspect(image)
    print(found.mean, found.terms.elbo)
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class ElboArrays:
    """The ELBO's terms of each image, in nats."""

    distortion: Float[np.ndarray, "n"]
    """-log p(x|z) at one posterior sample of each image."""

    rate_per_dimension: Float[np.ndarray, "n latent"]
    """KL(q(z|x) || p(z)) of each dimension."""

    @property
    def rate(self) -> Float[np.ndarray, "n"]:
        """The rate, summed over the dimensions."""
        return self.rate_per_dimension.sum(axis=1)

    @property
    def elbo(self) -> Float[np.ndarray, "n"]:
        """The evidence lower bound: -(distortion + rate)."""
        return -(self.distortion + self.rate)


@dataclass(frozen=True)
class Inspection:
    """Everything that a model says about one image, from one run of its encoder."""

    image: Float[np.ndarray, "h w c"]
    """The image itself, pixels in [0, 1]."""

    mean: Float[np.ndarray, "latent"]
    """The mean of its posterior."""

    logvar: Float[np.ndarray, "latent"]
    """The log-variance of its posterior."""

    reconstruction: Float[np.ndarray, "h w c"]
    """The image that the posterior mean decodes to."""

    terms: ElboArrays
    """The ELBO's terms, as arrays of one row."""
