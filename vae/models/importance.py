"""Codes drawn from q(z|x) and what each weighs, of which importance-weighted estimates are made."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from vae.models.posterior import PointPosterior, Posterior, prior_log_prob

WeightedCodes = tuple[Float[Tensor, "draws latent"], Float[Tensor, "draws"]]
"""Codes, and log p(z) - log q(z|x) of each in nats; those of all images, sample by sample."""


class ImportanceSampler:
    """WeightedCodes from the posteriors of a batch of images."""

    def __init__(
        self,
        posterior: Posterior,
        draw: Callable[[int, torch.Generator], WeightedCodes] | None = None,
    ) -> None:
        """`draw` takes the samples of each image and a generator; None draws from `posterior`."""
        self.posterior = posterior
        self._draw = draw

    def enough(self, samples: int) -> int:
        """How many samples of each image to draw where so many are asked for: a point is one."""
        return 1 if isinstance(self.posterior, PointPosterior) else samples

    def __call__(self, samples: int, generator: torch.Generator) -> WeightedCodes:
        """So many codes of each image, and their weights."""
        if self._draw is not None:
            return self._draw(samples, generator)
        mean, logvar = self.posterior.mean, self.posterior.logvar
        repeated = Posterior(mean.repeat(samples, 1), logvar.repeat(samples, 1))
        z = repeated.sample(generator)
        return z, prior_log_prob(z) - repeated.log_prob(z)
